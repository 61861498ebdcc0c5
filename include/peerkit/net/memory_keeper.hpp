// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Writes a node's memory to its store: on a thread of its own, seldom, and at once where it must not be lost.
#ifndef PEERKIT_NET_MEMORY_KEEPER_HPP
#define PEERKIT_NET_MEMORY_KEEPER_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/strategy.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/node_config.hpp>
#include <peerkit/net/system.hpp>
#include <peerkit/node/own_announcement.hpp>
#include <peerkit/store/any_store.hpp>
#include <peerkit/store/error.hpp>
#include <peerkit/store/node_memory.hpp>
#include <peerkit/store/stored_state.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// The wall clock as unix time in milliseconds, for what people read.
[[nodiscard]] inline std::int64_t wall_clock_ms() noexcept {
    auto const since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

/// A store and what was found in it.
struct opened_memory {
    store::any_store where;       ///< none: nothing is kept
    store::node_memory earlier{}; ///< empty if nothing was found
    std::optional<error> trouble; ///< why it could not be read; it is read before the first write
    store::record_check verify = nullptr;
};

/// Reads what a node knew in its earlier life. Blocks on the store.
/// @par Errors `in_use`: another process would mint the same incarnations; `not_ours`: the memory of another network.
/// All others are in `trouble`: a node that cannot remember is better than none.
[[nodiscard]] inline result<opened_memory> open_memory(store::any_store where, node_id const& self,
                                                       network_id const& network, store::record_check verify) {
    opened_memory made{std::move(where), {}, std::nullopt, verify};
    auto found = made.where.load();
    if (found) {
        auto earlier = store::recall(std::move(*found), self, network, verify);
        if (!earlier) return fail(earlier.error());
        made.earlier = std::move(*earlier);
    } else if (found.error() == store::store_error::in_use) {
        return fail(found.error());
    } else {
        made.trouble = found.error();
    }
    return made;
}

/// Keeps one store up to date. Lives on the node's executor; the store is called on a detached thread, one call at a
/// time, and shares nothing with the node but a copy of what to write. A write that is under way when the node stops is
/// finished; only then is the store given free.
///
/// Changes are gathered: the store is written `gap` after the first of them, later if writing takes long (a twentieth
/// of the time at most) or fails (doubling up to `most_gap`, told once per reason). A store that could not be read at
/// the start is read before the first write, and what is found is written again with every state of this life; the
/// memory of another network is not written over.
class memory_keeper : public std::enable_shared_from_this<memory_keeper> {
public:
    using notice_teller = std::function<void(discovery::notice const&)>;
    /// Makes what is to be written; called on the executor.
    using state_maker = std::function<store::stored_state()>;

    static constexpr duration gap = std::chrono::seconds{3};
    static constexpr duration most_gap = std::chrono::minutes{5};
    static constexpr std::uint32_t writing_share = 20;

    memory_keeper(asio::any_io_executor executor, std::shared_ptr<stop_state> stop, opened_memory from)
        : executor_{std::move(executor)}, stop_{std::move(stop)},
          store_{std::make_shared<store::any_store>(std::move(from.where))}, box_{std::make_shared<mailbox>(executor_)},
          registries_{std::move(from.earlier.registries)}, timer_{executor_}, hook_{stop_, [this] { end(); }} {
        store::node_memory const& earlier = from.earlier;
        std::optional<error> const& trouble = from.trouble;
        status_.store = std::string{store_->name()};
        status_.recalled = earlier.peers.size();
        status_.left_out = earlier.left_out;
        status_.trouble = trouble;
        using severity = discovery::notice::severity;
        if (trouble) unread_ = std::make_shared<late_memory>(late_memory{from.verify, std::nullopt});
        if (trouble)
            told_at_start_.push_back({severity::warning, *trouble, "the store; this node runs without memory"});
        if (earlier.damage)
            told_at_start_.push_back({severity::warning, *earlier.damage, "a stored state; it was set aside"});
        if (earlier.left_out != 0) {
            told_at_start_.push_back({severity::warning,
                                      error{store::store_error::bad_field, earlier.left_out, "peers"},
                                      std::to_string(earlier.left_out) + " stored peers were left out"});
        }
    }
    memory_keeper(memory_keeper const&) = delete;
    memory_keeper& operator=(memory_keeper const&) = delete;
    ~memory_keeper() { box_->leave(); }

    /// Once, when the node starts. `kept` is called when the first write has succeeded or failed.
    void begin(state_maker make, notice_teller tell, std::function<void()> kept) {
        make_ = std::move(make);
        tell_ = std::move(tell);
        kept_ = std::move(kept);
        for (discovery::notice const& one : std::exchange(told_at_start_, {})) tell_(one);
    }
    /// The node announces itself with this incarnation now. Written at once if the store does not cover it.
    void announced(std::uint64_t incarnation) {
        if (incarnation > covered_)
            save_now();
        else
            touch();
    }
    /// Something worth remembering has changed.
    void touch() {
        if (!make_ || dirty_ || writing_) {
            dirty_ = true;
            return;
        }
        dirty_ = true;
        arm(wait_);
    }
    /// Writes as soon as the write under way, if there is one, has ended.
    void save_now() {
        dirty_ = true;
        if (!make_ || stop_->stopped()) return;
        if (writing_) {
            hurried_ = true;
            return;
        }
        write();
    }
    /// Writes once more and waits for it, but no longer than `patience`.
    [[nodiscard]] static asio::awaitable<void> flush(std::shared_ptr<memory_keeper> self, duration patience) {
        if (!self->make_ || self->stop_->stopped()) co_return;
        auto const done = std::make_shared<gate>(self->executor_);
        watchdog guard{self->executor_, self->stop_, patience, [done] { done->open(); }};
        self->flushed_ = done;
        self->save_now();
        co_await done->wait();
    }

    [[nodiscard]] memory_status const& status() const noexcept { return status_; }
    /// Registries known from an earlier life.
    [[nodiscard]] std::vector<std::string> const& registries() const noexcept { return registries_; }
    /// Puts them behind those that members announce now.
    void add_registries(std::vector<std::string>& behind) const {
        for (std::string const& text : registries_) {
            bool const room = behind.size() < peerkit::node::most_registries;
            if (room && std::find(behind.begin(), behind.end(), text) == behind.end()) behind.push_back(text);
        }
    }

private:
    /// The way back from the writing thread. `leave` lets go of the executor, which may be gone before the thread.
    struct mailbox {
        explicit mailbox(asio::any_io_executor on) : reply_to{std::move(on)} {}
        void leave() noexcept {
            std::lock_guard const lock{mutex};
            reply_to = asio::any_io_executor{};
        }
        template <typename Answer>
        void answer(Answer call) {
            std::lock_guard const lock{mutex}; // held while posting: after `leave` nothing is posted
            if (reply_to) asio::post(reply_to, std::move(call));
        }
        std::mutex mutex;
        asio::any_io_executor reply_to;
    };

    /// Of a store that could not be read at the start. Used by one write at a time.
    struct late_memory {
        [[nodiscard]] result<void> add(store::any_store& from, store::stored_state& to) {
            if (!earlier) {
                auto found = from.load();
                if (!found) return fail(found.error());
                auto memory = store::recall(std::move(*found), to.owner, to.network, verify);
                if (!memory) return fail(memory.error());
                earlier = std::move(*memory);
            }
            store::add_earlier(to, *earlier);
            return {};
        }
        store::record_check verify;
        std::optional<store::node_memory> earlier; ///< none until it could be read
    };

    void end() {
        box_->leave();
        store_.reset();
        timer_.cancel();
        make_ = nullptr;
        tell_ = nullptr;
        kept_ = nullptr;
        if (auto const waiting = std::exchange(flushed_, nullptr)) waiting->open();
    }
    void arm(duration in) {
        timer_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(in));
        timer_.async_wait([weak = weak_from_this()](asio::error_code ec) {
            auto const self = weak.lock();
            if (!ec && self && self->dirty_ && !self->writing_) self->save_now();
        });
    }
    void write() {
        writing_ = true;
        dirty_ = hurried_ = false;
        auto state = std::make_shared<store::stored_state>(make_());
        // What is minted while this is being written may need another write.
        std::uint64_t const covers = state->incarnation;
        auto const begun = std::chrono::steady_clock::now();
        auto const weak = weak_from_this();
        int const failed = run_detached(
            [where = store_, late = unread_, box = box_, state = std::move(state), weak, covers, begun]() mutable {
                auto kept = late ? late->add(*where, *state) : result<void>{};
                if (kept) kept = where->save(*state);
                where.reset(); // before anybody hears of it: whoever stops the node then may open the store again
                auto const took = std::chrono::steady_clock::now() - begun;
                box->answer([weak, kept, covers, took] {
                    if (auto const self = weak.lock()) self->written(kept, covers, took);
                });
            });
        if (failed == 0) return;
        error const why{store::store_error::unusable, static_cast<std::uint64_t>(failed), "thread"};
        asio::post(executor_, [weak, why, covers] {
            if (auto const self = weak.lock()) self->written(fail(why), covers, {});
        });
    }
    void written(result<void> kept, std::uint64_t covers, duration took) {
        if (stop_->stopped()) return;
        writing_ = false;
        if (kept) {
            ++status_.saves;
            covered_ = covers;
            status_.trouble.reset();
            wait_ = std::clamp(took * writing_share, gap, most_gap);
        } else {
            bool const news = !status_.trouble || *status_.trouble != kept.error();
            status_.trouble = kept.error();
            dirty_ = true;
            wait_ = std::min(std::max(wait_, gap) * 2, most_gap);
            if (news && tell_)
                tell_({discovery::notice::severity::warning, kept.error(), "the store; nothing new is kept"});
        }
        if (auto const first = std::exchange(kept_, nullptr)) first();
        if (stop_->stopped()) return; // by whoever was told
        if (hurried_ && kept) return write();
        hurried_ = false;
        if (auto const waiting = std::exchange(flushed_, nullptr)) waiting->open();
        if (dirty_) arm(wait_);
    }

    asio::any_io_executor executor_;
    std::shared_ptr<stop_state> stop_;
    std::shared_ptr<store::any_store> store_; ///< called by one write at a time; null after the stop
    std::shared_ptr<mailbox> box_;
    std::shared_ptr<late_memory> unread_; ///< null if the store could be read at the start
    std::vector<std::string> registries_;
    timer_of<asio::any_io_executor> timer_;
    stop_state::hook hook_;
    memory_status status_;
    std::vector<discovery::notice> told_at_start_;
    state_maker make_; ///< empty before `begin` and after the stop
    notice_teller tell_;
    std::function<void()> kept_; ///< until called
    std::shared_ptr<gate> flushed_;
    std::uint64_t covered_ = 0; ///< incarnations up to this one are in the store
    duration wait_ = gap;
    bool dirty_ = false;
    bool writing_ = false;
    bool hurried_ = false; ///< another write follows the one under way at once
};

} // namespace net
PEERKIT_END_NAMESPACE

#endif
