// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes a root: registrations, heartbeats, removals and time, against a simple model, a disk and a follower.
#include <peerkit/crypto/fake.hpp>
#include <peerkit/registry/registry_logic.hpp>

#include "support/registrants.hpp"
#include "support/registry_disk.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace peerkit;
using namespace peerkit::registry;
using namespace std::chrono_literals;

constexpr std::size_t nodes = 8, max_rows = 5, max_removals = 3;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

class input {
public:
    input(std::uint8_t const* data, std::size_t size) : data_{data}, left_{size} {}
    [[nodiscard]] bool empty() const { return left_ == 0; }
    std::size_t below(std::size_t bound) {
        if (left_ == 0) return 0;
        --left_;
        return *data_++ % bound;
    }

private:
    std::uint8_t const* data_;
    std::size_t left_;
};

/// What the rules say, in the plainest way.
struct model {
    struct node {
        std::uint64_t incarnation = 0;
        std::string name{}, domain{};
        lease_id lease{};
        time_point heard{};
        std::optional<time_point> offline{};
    };
    struct removal {
        std::size_t of = 0;
        std::uint64_t incarnation = 0;
        std::string name{}, domain{};
        time_point at{};
        bool expired = false;
    };
    std::array<std::optional<node>, nodes> present{};
    std::vector<removal> removed{}; ///< ascending by version

    [[nodiscard]] std::size_t size() const {
        return static_cast<std::size_t>(
            std::count_if(present.begin(), present.end(), [](auto const& n) { return n.has_value(); }));
    }
    void remove(std::size_t n, time_point now, bool expired) {
        std::erase_if(removed, [&](removal const& r) { return r.of == n; });
        removed.push_back({n, present[n]->incarnation, present[n]->name, present[n]->domain, now, expired});
        if (removed.size() > max_removals) removed.erase(removed.begin());
        present[n].reset();
    }
    [[nodiscard]] std::optional<std::size_t> longest_offline() const {
        std::optional<std::size_t> found;
        for (std::size_t n = 0; n < nodes; ++n) {
            if (!present[n] || !present[n]->offline) continue;
            auto const key = [&](std::size_t i) { return std::pair{*present[i]->offline, tests::registrant{i}.id()}; };
            if (!found || key(n) < key(*found)) found = n;
        }
        return found;
    }
    /// Why a registration is refused, if it is.
    [[nodiscard]] std::optional<registry_error> refusal(std::size_t n, node const& asked, bool replica,
                                                        time_point now) const {
        auto const& known = present[n];
        if (known && asked.incarnation == known->incarnation) {
            if (asked.name != known->name) return registry_error::conflicting_record;
            if (asked.domain == known->domain) return std::nullopt;
        }
        if (known && asked.incarnation < known->incarnation) return registry_error::stale_record;
        for (auto const& r : removed) {
            if (r.of == n && asked.incarnation < r.incarnation + (replica && !r.expired ? 1U : 0U))
                return registry_error::stale_record;
        }
        for (std::size_t i = 0; i < nodes; ++i) {
            if (i != n && present[i] && present[i]->name == asked.name && present[i]->domain == asked.domain) {
                return registry_error::name_taken;
            }
        }
        for (auto r = removed.rbegin(); r != removed.rend(); ++r) {
            if (r->name != asked.name || r->domain != asked.domain) continue;
            if (r->of != n && now - r->at < 10min) return registry_error::name_taken;
            break;
        }
        if (!known && size() == max_rows && !longest_offline()) return registry_error::table_full;
        return std::nullopt;
    }
};

class stage {
public:
    stage() : root_{options(), at_.now} {}

    void run(input& in) {
        while (!in.empty()) {
            switch (in.below(8)) {
            case 0:
            case 1: add(in); break;
            case 2: beat(in); break;
            case 3: take_out(in); break;
            case 4: pass(in); break;
            case 5: follow(1 + in.below(4)); break;
            case 6: list(1 + in.below(4)); break;
            default: restart(in.below(4) == 0); break;
            }
            check();
        }
        while (copy_version_ != table_.version() || copy_epoch_ != table_.epoch()) follow(2);
        require(copy_.hash() == table_.hash() && copy_.size() == table_.size());
    }

private:
    static registry_options options() {
        registry_options o;
        o.table = {max_rows, max_removals};
        o.preservation_min = 1'000; // self-preservation has its own tests
        return o;
    }
    void add(input& in) {
        std::size_t const n = in.below(nodes);
        model::node asked;
        asked.name = std::string(1, static_cast<char>('a' + in.below(4)));
        asked.domain = in.below(2) == 0 ? "x" : "y";
        std::uint64_t const base = model_.present[n] ? model_.present[n]->incarnation : 2;
        asked.incarnation = std::max<std::uint64_t>(base + in.below(3), 2) - 1; // 0 is none
        bool const replica = in.below(4) == 0;
        auto registration = tests::registrant{n}.named(asked.name).at_incarnation(asked.incarnation).asks(asked.domain);
        caller const from{.replica = replica ? "inside" : "", .role = registry_role::integrated};
        lease_id const lease = tests::lease_number(static_cast<unsigned char>(++leases_ % 255U + 1U));

        auto const expected = model_.refusal(n, asked, replica, at_.now);
        auto const answer = root_.register_node(std::move(registration), table_, from, 0, lease, at_, changes_, count_);
        if (expected) {
            require(!answer && answer.error() == *expected);
            return;
        }
        require(answer.has_value());
        auto& known = model_.present[n];
        bool const same = known && known->incarnation == asked.incarnation && known->domain == asked.domain;
        require(answer->lease == (same ? known->lease : lease));
        if (!known && model_.size() == max_rows) model_.remove(*model_.longest_offline(), at_.now, true);
        std::erase_if(model_.removed, [&](model::removal const& r) { return r.of == n; });
        asked.lease = answer->lease;
        asked.heard = at_.now;
        known = asked;
    }
    /// A lease that is right, or now and then one that is not.
    [[nodiscard]] lease_id lease_for(std::size_t n, input& in) const {
        return model_.present[n] && in.below(4) != 0 ? model_.present[n]->lease : tests::lease_number(0);
    }
    void beat(input& in) {
        std::size_t const n = in.below(nodes);
        lease_id const lease = lease_for(n, in);
        auto const answer = root_.beat({tests::registrant{n}.id(), lease}, table_, at_, changes_, count_);
        require(answer.has_value() == static_cast<bool>(lease));
        if (!answer) return;
        model_.present[n]->heard = at_.now;
        model_.present[n]->offline.reset();
    }
    void take_out(input& in) {
        std::size_t const n = in.below(nodes);
        lease_id const lease = lease_for(n, in);
        auto const answer = root_.deregister({tests::registrant{n}.id(), lease}, table_, at_, changes_, count_);
        require(answer.has_value() == static_cast<bool>(lease));
        if (answer) model_.remove(n, at_.now, false);
    }
    void pass(input& in) {
        std::array<int, 4> const steps{1, 3, 10, 70};
        for (int i = steps[in.below(steps.size())]; i > 0; --i) {
            at_.now += 10s;
            at_.unix_ms += 10'000;
            root_.tick(table_, at_, changes_, count_);
            for (auto& n : model_.present) {
                if (n && !n->offline && at_.now - n->heard >= 95s) n->offline = at_.now;
            }
            for (;;) { // those who have been offline for longest first
                auto const next = model_.longest_offline();
                if (!next || at_.now - *model_.present[*next]->offline < 10min) break;
                model_.remove(*next, at_.now, true);
            }
            std::erase_if(model_.removed, [&](model::removal const& r) { return at_.now - r.at >= 1h; });
        }
    }
    /// One page, of what may have changed since the page before.
    void follow(std::size_t rows) {
        auto const view = table_.read(cursor_, rows, 1U << 20U);
        if (!view) {
            require(view.error() == registry_error::snapshot_needed);
            cursor_ = {};
            return;
        }
        if (cursor_.since == 0) copy_ = node_table{options().table, view->epoch};
        auto page = view->to_page();
        cursor_ = {view->epoch, view->to, view->base};
        bool const more = page.more;
        auto const taken = copy_.apply(std::move(page), at_.now);
        // Between two pages more nodes may be known than there are.
        if (!taken && taken.error() == registry_error::table_full) {
            cursor_ = {};
            return;
        }
        require(taken.has_value());
        if (!more) {
            cursor_.base = cursor_.since;
            copy_.raise_floor(view->base);
            copy_version_ = copy_.version();
            copy_epoch_ = copy_.epoch();
            require(copy_.hash() == table_.hash() && copy_.check_invariants() == table_fault::none);
        }
    }
    void list(std::size_t limit) {
        std::size_t seen = 0;
        node_query query{.limit = limit};
        for (;;) {
            auto const page = table_.list(query);
            require(page.rows.size() <= limit);
            for (auto const* row : page.rows) {
                require(!query.after || *query.after < row->id);
                ++seen;
            }
            if (!page.next) break;
            query.after = page.next;
        }
        require(seen == model_.size());
    }
    void restart(bool another_epoch) {
        auto saved = disk_.load();
        for (auto const& row : saved.rows) saved.version = std::max(saved.version, row.version);
        for (auto const& gone : saved.removed) saved.version = std::max(saved.version, gone.version);
        saved.epoch = table_.epoch();
        node_table loaded{options().table, 0};
        require(loaded.restore(std::move(saved), at_).has_value());
        require(loaded.hash() == table_.hash() && loaded.version() == table_.version());
        require(loaded.floor() == table_.floor() && loaded.size() == table_.size());
        table_ = std::move(loaded);
        root_.restore(table_, at_.now);
        for (auto& n : model_.present) {
            if (!n) continue;
            n->heard = at_.now;
            if (n->offline) n->offline = at_.now;
        }
        if (another_epoch) {
            table_.begin_epoch(table_.epoch() + 1);
            changes_.push_back(table_at{table_.epoch(), table_.version(), table_.floor()});
            model_.removed.clear();
        }
    }
    void check() {
        for (auto const& change : changes_) disk_.store(change);
        changes_.clear();
        require(table_.check_invariants() == table_fault::none);
        require(table_.size() == model_.size());
        for (std::size_t n = 0; n < nodes; ++n) {
            node_row const* const row = table_.find(tests::registrant{n}.id());
            auto const& known = model_.present[n];
            require((row != nullptr) == known.has_value());
            if (row == nullptr) continue;
            require(row->incarnation() == known->incarnation && row->name() == known->name);
            require(row->domain == known->domain && row->lease == known->lease);
            require((row->status == node_status::offline) == known->offline.has_value());
            auto const stored = disk_.rows.find(row->id);
            require(stored != disk_.rows.end() && stored->second == *row);
        }
        require(disk_.rows.size() == table_.size() && disk_.removed.size() == model_.removed.size());
        std::size_t removed = 0;
        table_.for_each_removed([&](tombstone const&) { ++removed; });
        require(removed == model_.removed.size());
    }

    moment at_{time_point{} + 1h, 1'000'000};
    node_table table_{options().table, 7}, copy_{options().table, 7};
    authority root_;
    std::vector<durable_change> changes_{};
    registry_counters count_{};
    model model_{};
    tests::registry_disk disk_{};
    change_cursor cursor_{};
    std::uint64_t copy_version_ = 0, copy_epoch_ = 7;
    std::uint64_t leases_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    input in{data, std::min<std::size_t>(size, 2'000)};
    stage{}.run(in);
    return 0;
}
