// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Archetype and exemplar of Store; docs/concepts/store.md quotes the exemplar.
#include <peerkit/store/store.hpp>

#include <doctest/doctest.h>

#include <peerkit/store/any_store.hpp>
#include <peerkit/store/memory_store.hpp>
#include <support/stored.hpp>

#include <memory>
#include <string_view>
#include <utility>

using namespace peerkit;

namespace {

/// The archetype: what the concept asks for and nothing besides.
class least_store {
public:
    static least_store make() noexcept { return least_store{}; }
    least_store(least_store&&) noexcept = default;
    least_store& operator=(least_store&&) = delete;

    std::string_view name() const noexcept { return "least"; }
    result<void> claim() { return {}; }
    result<store::loaded_state> load() { return store::loaded_state{}; }
    result<void> save(store::stored_state const&) { return {}; }

private:
    least_store() noexcept = default;
};
static_assert(store::check_store<least_store>());

// [exemplar]
/// Keeps everything twice: what is newer of the two is believed, and one of them may fail.
template <peerkit::store::Store First, peerkit::store::Store Second>
class mirrored {
public:
    mirrored(First first, Second second) : first_{std::move(first)}, second_{std::move(second)} {}

    [[nodiscard]] std::string_view name() const noexcept { return "mirrored"; }
    [[nodiscard]] peerkit::result<void> claim() {
        auto const first = first_.claim();
        return first ? second_.claim() : first;
    }
    [[nodiscard]] peerkit::result<peerkit::store::loaded_state> load() {
        auto first = first_.load();
        auto second = second_.load();
        if (!first) return second;
        bool const newer = second && second->state.incarnation > first->state.incarnation;
        return newer ? second : first;
    }
    [[nodiscard]] peerkit::result<void> save(peerkit::store::stored_state const& state) {
        auto const first = first_.save(state);
        auto const second = second_.save(state);
        return first ? first : second;
    }

private:
    First first_;
    Second second_;
};
static_assert(peerkit::store::check_store<mirrored<peerkit::store::memory_store, peerkit::store::any_store>>());
// [/exemplar]

static_assert(store::check_store<mirrored<least_store, store::any_store>>());

} // namespace

TEST_CASE("code written against Store runs on its archetype") {
    store::any_store held{least_store::make()};
    CHECK(held.name() == "least");
    CHECK(held.claim());
    CHECK(held.save(tests::stored_sample()));
    CHECK(held.load()->generation == 0);
}

TEST_CASE("a state that is kept twice is found where it is newer, and where it can be found at all") {
    auto const left = std::make_shared<store::memory_shelf>();
    auto const right = std::make_shared<store::memory_shelf>();
    store::stored_state state = tests::stored_sample();
    {
        mirrored both{store::memory_store{left}, store::memory_store{right}};
        REQUIRE(both.claim());
        REQUIRE(both.save(state));
    }
    state.incarnation += 1;
    REQUIRE(store::memory_store{right}.save(state));
    {
        mirrored both{store::memory_store{left}, store::memory_store{right}};
        CHECK(both.load()->state == state);
    }
    store::memory_store taken{left};
    REQUIRE(taken.claim());
    mirrored both{store::memory_store{left}, store::memory_store{right}};
    CHECK(both.claim().error() == store::store_error::in_use);
    CHECK(both.load()->state == state);
    state.incarnation += 1;
    CHECK(both.save(state));
    CHECK(both.load()->state == state);
}
