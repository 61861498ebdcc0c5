// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of net::memory_keeper: when the store is written, that nobody waits for it, and what becomes of trouble.
#include <peerkit/net/memory_keeper.hpp>

#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/store/memory_store.hpp>

#include "unit/net/support.hpp"

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <support/puppet.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace net_test;
using namespace peerkit;
using net::memory_keeper;
using store::store_error;

namespace {

/// What a store does is decided by the test.
struct plan {
    std::atomic<int> saves{0};
    std::atomic<bool> fails{false};
    std::atomic<bool> gone{false};
    std::atomic<std::uint64_t> incarnation{0};
    std::promise<void> gate;
    std::shared_future<void> opened{gate.get_future().share()};
    std::atomic<bool> gated{false};
};
struct planned_store {
    explicit planned_store(std::shared_ptr<plan> what) : by{std::move(what)} {}
    planned_store(planned_store&&) noexcept = default;
    planned_store& operator=(planned_store&&) = delete;
    ~planned_store() {
        if (by) by->gone = true;
    }
    [[nodiscard]] std::string_view name() const noexcept { return "planned"; }
    [[nodiscard]] result<void> claim() { return {}; }
    [[nodiscard]] result<store::loaded_state> load() {
        if (by->fails) return fail(store_error::unusable, 5, "read");
        return store::loaded_state{};
    }
    [[nodiscard]] result<void> save(store::stored_state const& state) {
        if (by->gated) by->opened.wait();
        ++by->saves;
        if (by->fails) return fail(store_error::full, 28, "write");
        by->incarnation = state.incarnation;
        return {};
    }
    std::shared_ptr<plan> by;
};

struct keeping {
    keeping() { keep(); }
    void keep() {
        auto opened =
            net::open_memory(planned_store{by}, node_id{}, network_id{}, &crypto::verify_record<crypto::fake_identity>);
        REQUIRE(opened);
        keeper = std::make_shared<memory_keeper>(loop.get_executor(), stop, std::move(*opened));
    }
    void begin() {
        keeper->begin(
            [this] {
                store::stored_state state;
                state.incarnation = incarnation + store::incarnations_ahead;
                ++made;
                return state;
            },
            [this](discovery::notice const& n) { told.push_back(n.what); }, [this] { ++kept; });
    }
    [[nodiscard]] bool saved(int times) {
        return eventually(loop, [&] { return keeper->status().saves == static_cast<std::uint64_t>(times); });
    }
    std::shared_ptr<plan> by = std::make_shared<plan>();
    asio::io_context loop;
    std::shared_ptr<net::stop_state> stop = std::make_shared<net::stop_state>();
    std::shared_ptr<memory_keeper> keeper;
    std::uint64_t incarnation = 100;
    int made = 0, kept = 0;
    std::vector<error> told;
};

} // namespace

TEST_CASE("the first incarnation is written at once and told when it is kept; those it covers wait") {
    keeping k;
    k.begin();
    k.keeper->announced(k.incarnation);
    CHECK(k.kept == 0);
    REQUIRE(k.saved(1));
    CHECK(k.kept == 1);
    CHECK(k.by->incarnation == 100 + store::incarnations_ahead);
    for (int i = 0; i < 1000; ++i) k.keeper->announced(++k.incarnation);
    k.loop.run_for(50ms);
    CHECK(k.by->saves == 1);
    k.incarnation = 100 + store::incarnations_ahead + 1; // one too many
    k.keeper->announced(k.incarnation);
    REQUIRE(k.saved(2));
    CHECK(k.by->incarnation == k.incarnation + store::incarnations_ahead);
    CHECK(k.kept == 1);
    k.stop->stop();
}

TEST_CASE("changes are gathered: many of them are one write, a few seconds later") {
    keeping k;
    k.begin();
    k.keeper->save_now();
    REQUIRE(k.saved(1));
    auto const begun = steady::now();
    for (int i = 0; i < 100; ++i) k.keeper->touch();
    CHECK(k.by->saves == 1);
    REQUIRE(k.saved(2));
    CHECK(steady::now() - begun >= memory_keeper::gap - 100ms);
    CHECK(k.made == 2);
    k.loop.run_for(100ms);
    CHECK(k.by->saves == 2); // and nothing without a change
    k.stop->stop();
}

TEST_CASE("a store that takes its time holds up nobody, and what changes meanwhile is written after it") {
    keeping k;
    k.by->gated = true;
    k.begin();
    k.keeper->save_now();
    int ticks = 0;
    auto const count = [&] { ++ticks; };
    for (int i = 0; i < 10; ++i) asio::post(k.loop, count);
    k.loop.run_for(50ms);
    CHECK(ticks == 10);
    CHECK(k.kept == 0);
    k.keeper->save_now();
    k.keeper->save_now();
    k.by->gate.set_value();
    REQUIRE(k.saved(2));
    CHECK(k.made == 2);
    k.stop->stop();
}

TEST_CASE("a store that fails is told once, delays nothing, and is tried again") {
    keeping k;
    k.begin();
    k.by->fails = true;
    k.keeper->save_now();
    REQUIRE(eventually(k.loop, [&] { return k.kept == 1; }));
    CHECK(k.keeper->status().trouble == error{store_error::full, 28, "write"});
    REQUIRE(k.told.size() == 1);
    k.keeper->save_now();
    REQUIRE(eventually(k.loop, [&] { return k.by->saves == 2; }));
    k.loop.run_for(20ms);
    CHECK(k.told.size() == 1);
    k.by->fails = false;
    k.keeper->save_now();
    REQUIRE(k.saved(1));
    CHECK_FALSE(k.keeper->status().trouble);
    k.stop->stop();
}

TEST_CASE("a store that cannot be read is told when the node starts, and used as soon as it can be written") {
    keeping k;
    k.by->fails = true;
    k.keep();
    CHECK(k.keeper->status().trouble == error{store_error::unusable, 5, "read"});
    CHECK(k.told.empty());
    k.begin();
    REQUIRE(k.told.size() == 1);
    CHECK(k.told[0] == store_error::unusable);
    k.by->fails = false;
    k.keeper->save_now();
    CHECK(k.saved(1));
    k.stop->stop();
}

namespace {

/// A shelf of an earlier life that cannot be read the first time.
struct late_store {
    explicit late_store(std::shared_ptr<store::memory_shelf> on) : held{std::move(on)} {}
    [[nodiscard]] std::string_view name() const noexcept { return "late"; }
    [[nodiscard]] result<void> claim() { return held.claim(); }
    [[nodiscard]] result<store::loaded_state> load() {
        if (std::exchange(fails, false)) return fail(store_error::unusable, 24, "open");
        return held.load();
    }
    [[nodiscard]] result<void> save(store::stored_state const& state) { return held.save(state); }
    store::memory_store held;
    bool fails = true;
};
store::stored_state life_of(std::uint64_t incarnation, std::uint64_t peer, std::string registry) {
    store::stored_state state;
    state.owner = tests::puppet{1}.id();
    state.incarnation = incarnation;
    state.registries.push_back(std::move(registry));
    tests::bytes record = tests::puppet{peer}.record();
    state.peers.push_back({std::move(record), {}, {}, 1});
    return state;
}
/// What the shelf holds after two writes by a node that could not read it at its start.
store::stored_state after_late_reading(store::stored_state const& earlier, std::vector<error>& told) {
    auto const shelf = std::make_shared<store::memory_shelf>();
    REQUIRE(store::memory_store{shelf}.save(earlier));
    keeping k;
    auto opened = net::open_memory(late_store{shelf}, tests::puppet{1}.id(), network_id{},
                                   &crypto::verify_record<crypto::fake_identity>);
    REQUIRE(opened);
    k.keeper = std::make_shared<memory_keeper>(k.loop.get_executor(), k.stop, std::move(*opened));
    k.keeper->begin([] { return life_of(50, 3, "new:1"); }, [&](discovery::notice const& n) { told.push_back(n.what); },
                    [&] { ++k.kept; });
    k.keeper->save_now();
    REQUIRE(eventually(k.loop, [&] { return k.kept == 1; }));
    if (k.keeper->status().saves == 1) {
        k.keeper->save_now(); // of this life alone
        REQUIRE(k.saved(2));
    }
    k.stop->stop();
    k.keeper.reset();
    return store::memory_store{shelf}.load()->state;
}

} // namespace

TEST_CASE("what a store that could not be read at the start holds is found before the first write, and kept") {
    std::vector<error> told;
    auto const held = after_late_reading(life_of(900, 2, "old:1"), told);
    CHECK(told.size() == 1); // at the start
    CHECK(held.incarnation == 900);
    CHECK(held.registries == std::vector<std::string>{"new:1", "old:1"});
    REQUIRE(held.peers.size() == 2);
    CHECK(held.peers[0].record == tests::puppet{3}.record());
    CHECK(held.peers[1].record == tests::puppet{2}.record());
    CHECK(after_late_reading(life_of(20, 3, "new:1"), told) == life_of(50, 3, "new:1"));
}

TEST_CASE("a store that turns out to be another network's is not written over") {
    store::stored_state theirs = life_of(20, 2, "old:1");
    theirs.network.bytes[0] = std::byte{9};
    std::vector<error> told;
    CHECK(after_late_reading(theirs, told) == theirs);
    REQUIRE(told.size() == 2);
    CHECK(told[1] == store_error::not_ours);
}

TEST_CASE("the last write is waited for, but not longer than patience allows") {
    keeping k;
    k.begin();
    bool quick = false;
    SUBCASE("a store that answers") { quick = true; }
    SUBCASE("a store that hangs") { k.by->gated = true; }
    bool done = false;
    auto const begun = steady::now();
    asio::co_spawn(k.loop, memory_keeper::flush(k.keeper, 200ms), [&](std::exception_ptr) { done = true; });
    REQUIRE(eventually(k.loop, [&] { return done; }));
    CHECK(k.by->saves == (quick ? 1 : 0));
    if (!quick) CHECK(steady::now() - begun >= 150ms);
    k.stop->stop();
    if (!quick) k.by->gate.set_value();
}

TEST_CASE("a write under way when the node ends is finished, and then the store is given free") {
    keeping k;
    k.by->gated = true;
    k.begin();
    k.keeper->save_now();
    k.loop.run_for(10ms);
    k.stop->stop();
    k.keeper.reset();
    CHECK(runs_out(k.loop, 5s)); // nothing of it keeps the loop
    CHECK_FALSE(k.by->gone);
    k.by->gate.set_value();
    for (int i = 0; i < 3000 && !k.by->gone; ++i) std::this_thread::sleep_for(10ms);
    CHECK(k.by->gone);
    CHECK(k.by->saves == 1);
    CHECK(k.kept == 0);
}

TEST_CASE("nothing is written after the stop, nor before the start") {
    keeping k;
    k.keeper->touch();
    k.keeper->save_now();
    k.loop.run_for(10ms);
    CHECK(k.by->saves == 0);
    k.begin();
    k.stop->stop();
    k.keeper->touch();
    k.keeper->save_now();
    k.keeper->announced(1);
    bool done = false;
    asio::co_spawn(k.loop, memory_keeper::flush(k.keeper, 10s), [&](std::exception_ptr) { done = true; });
    CHECK(runs_out(k.loop, 5s));
    CHECK(done);
    CHECK(k.by->saves == 0);
}

TEST_CASE("what was set aside or left out is told at the start") {
    struct damaged_store {
        [[nodiscard]] std::string_view name() const noexcept { return "damaged"; }
        [[nodiscard]] result<void> claim() { return {}; }
        [[nodiscard]] result<store::loaded_state> load() {
            store::loaded_state found;
            found.state.owner.bytes[0] = std::byte{1};
            found.left_out = 4;
            found.quarantined = 1;
            found.damage = error{store_error::bad_checksum, 12, "gossip_state.json"};
            return found;
        }
        [[nodiscard]] result<void> save(store::stored_state const&) { return {}; }
    };
    keeping k;
    auto opened =
        net::open_memory(damaged_store{}, node_id{}, network_id{}, &crypto::verify_record<crypto::fake_identity>);
    REQUIRE(opened);
    k.keeper = std::make_shared<memory_keeper>(k.loop.get_executor(), k.stop, std::move(*opened));
    k.begin();
    REQUIRE(k.told.size() == 2);
    CHECK(k.told[0] == store_error::bad_checksum);
    CHECK(k.told[1].position() == 4);
    CHECK(k.keeper->status().left_out == 4);
    k.stop->stop();
}

TEST_CASE("a store in use, and the memory of another network, are refused") {
    auto const shelf = std::make_shared<store::memory_shelf>();
    store::memory_store held{shelf};
    REQUIRE(held.claim());
    auto const verify = &crypto::verify_record<crypto::fake_identity>;
    node_id self;
    self.bytes[0] = std::byte{1};
    CHECK(net::open_memory(store::memory_store{shelf}, self, {}, verify).error() == store_error::in_use);
    store::stored_state state;
    state.owner = self;
    state.network.bytes[0] = std::byte{9};
    REQUIRE(held.save(state));
    held = store::memory_store{};
    CHECK(net::open_memory(store::memory_store{shelf}, self, {}, verify).error() == store_error::not_ours);
}
