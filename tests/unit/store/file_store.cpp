// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the store in files: two generations, damage set aside, and processes killed while they save.
#include <peerkit/store/file_store.hpp>

#include "support/scratch_directory.hpp"
#include "support/store_behaviour.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>

using namespace peerkit;
using store::file_store;
using store::store_error;
using store::stored_state;
using tests::in_child;
using tests::numbered;
using tests::scratch_directory;

TEST_CASE("a store in files does what every store does") {
    scratch_directory const scratch{tests::fast_parent()};
    tests::check_store_behaviour([&] { return file_store{scratch.path("state")}; });
}

TEST_CASE("a store in files answers with what was saved last, in this process and the next") {
    scratch_directory const scratch;
    {
        file_store first{scratch.path("state")};
        CHECK(first.name() == "file");
        auto const nothing = first.load();
        REQUIRE(nothing);
        CHECK(nothing->generation == 0);
        CHECK(nothing->state == stored_state{});
        REQUIRE(first.save(numbered(7)));
        REQUIRE(first.save(numbered(8)));
        CHECK(first.load()->state == numbered(8));
    }
    file_store second{scratch.path("state")};
    auto const found = second.load();
    REQUIRE(found);
    CHECK(found->state == numbered(8));
    CHECK(found->generation == 2);
    CHECK(found->quarantined == 0);
    CHECK(store::decode_snapshot(scratch.read("state/gossip_state.json"))->state == numbered(8));
    CHECK(store::decode_snapshot(scratch.read("state/gossip_state.previous.json"))->state == numbered(7));
}

TEST_CASE("a save without a load before goes on where the last process ended") {
    scratch_directory const scratch;
    { REQUIRE(file_store{scratch.path("state")}.save(numbered(7))); }
    {
        file_store second{scratch.path("state")};
        auto const back = second.save(numbered(6));
        REQUIRE_FALSE(back);
        CHECK(back.error() == store_error::incarnation_back);
        CHECK(back.error().position() == 7);
        REQUIRE(second.save(numbered(7)));
        CHECK(second.save(numbered(6)).error() == store_error::incarnation_back);
        stored_state wrong = numbered(9);
        wrong.settings[""] = "";
        CHECK(second.save(wrong).error() == store_error::bad_text);
    }
    CHECK(file_store{scratch.path("state")}.load()->generation == 2);
}

TEST_CASE("two stores never share a directory") {
    scratch_directory const scratch;
    file_store first{scratch.path("state")};
    REQUIRE(first.claim());
    REQUIRE(first.claim());
    file_store second{scratch.path("state")};
    CHECK(second.claim().error() == store_error::in_use);
    CHECK(second.load().error() == store_error::in_use);
    CHECK(second.save(numbered(1)).error() == store_error::in_use);
    CHECK(in_child([&] { return file_store{scratch.path("state")}.claim().error() == store_error::in_use; }));
}

TEST_CASE("whichever byte of the newest file is missing and whichever bit is another, the one before is found") {
    scratch_directory const scratch{tests::fast_parent()};
    {
        file_store writer{scratch.path("state")};
        REQUIRE(writer.save(numbered(3)));
        REQUIRE(writer.save(numbered(6)));
    }
    std::string const newest = scratch.read("state/gossip_state.json");
    std::string const before = scratch.read("state/gossip_state.previous.json");
    std::size_t wrong = 0;
    auto const recovers = [&](std::string const& damaged) {
        scratch.write("state/gossip_state.json", damaged);
        file_store reader{scratch.path("state")};
        auto const found = reader.load();
        bool const fine = found && found->state == numbered(3) && found->generation == 1 && found->quarantined == 1 &&
                          found->damage && !scratch.has("state/gossip_state.json") &&
                          scratch.read("state/gossip_state.json.quarantined-1") == damaged;
        wrong += fine ? 0U : 1U;
    };
    for (std::size_t size = 0; size < newest.size(); ++size) recovers(newest.substr(0, size));
    std::string damaged = newest;
    for (char& c : damaged) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            c = static_cast<char>(c ^ (1 << bit));
            recovers(damaged);
            c = static_cast<char>(c ^ (1 << bit));
        }
    }
    CHECK(wrong == 0);
    CHECK(scratch.read("state/gossip_state.previous.json") == before);
}

TEST_CASE("what is found after damage is saved again without harm to what is left") {
    scratch_directory const scratch;
    file_store one{scratch.path("state")};
    REQUIRE(one.save(numbered(3)));
    REQUIRE(one.save(numbered(6)));
    scratch.write("state/gossip_state.json", "{\"checksum\":\"");
    auto const found = one.load();
    REQUIRE(found);
    CHECK(found->damage == error{store_error::not_ours});
    REQUIRE(one.save(numbered(9)));
    CHECK(store::decode_snapshot(scratch.read("state/gossip_state.json"))->state == numbered(9));
    CHECK(store::decode_snapshot(scratch.read("state/gossip_state.previous.json"))->state == numbered(3));
}

TEST_CASE("with both files damaged the store is empty, says why, and keeps them for people to look at") {
    scratch_directory const scratch;
    file_store one{scratch.path("state")};
    REQUIRE(one.claim());
    scratch.write("state/gossip_state.json", "");
    scratch.write("state/gossip_state.previous.json", std::string(200, 'x'));
    auto const found = one.load();
    REQUIRE(found);
    CHECK(found->state == stored_state{});
    CHECK(found->generation == 0);
    CHECK(found->quarantined == 2);
    CHECK(found->damage == error{store_error::not_ours});
    CHECK(scratch.has("state/gossip_state.json.quarantined-1"));
    CHECK(scratch.has("state/gossip_state.previous.json.quarantined-1"));
    CHECK(one.save(numbered(1)));
}

TEST_CASE("a state of a later version is neither read, nor set aside, nor written over") {
    scratch_directory const scratch;
    file_store one{scratch.path("state")};
    REQUIRE(one.save(numbered(3)));
    std::string later = store::encode_snapshot(numbered(6), 2)->substr(store::detail::snapshot_envelope);
    later.replace(later.find("\"version\":1"), 11, "\"version\":2");
    later = std::string{store::detail::snapshot_opening} + store::detail::checksum_text(later) + later;
    scratch.write("state/gossip_state.json", later);
    CHECK(one.directory() == scratch.path("state"));
    auto const found = one.load();
    REQUIRE_FALSE(found);
    CHECK(found.error() == store_error::newer_format);
    CHECK(found.error().position() == 2);
    one = file_store{scratch.path("state")};
    CHECK(one.save(numbered(9)).error() == store_error::newer_format);
    CHECK(scratch.read("state/gossip_state.json") == later);
    CHECK_FALSE(scratch.has("state/gossip_state.json.quarantined-1"));
}

TEST_CASE("a file that cannot be read is an error, not damage") {
    scratch_directory const scratch;
    file_store one{scratch.path("state")};
    REQUIRE(one.claim());
    std::filesystem::create_directory(scratch.path("state/gossip_state.json"));
    CHECK(one.load().error() == store_error::not_regular);
    CHECK(scratch.has("state/gossip_state.json"));
}

TEST_CASE("on a full disk a save fails by name and the state before stays") {
    scratch_directory const scratch;
    CHECK(in_child([&] {
        if (!tests::mount_small(scratch.path(), 64 * 1024)) return true; // not allowed here
        file_store one{scratch.path("state")};
        if (!one.save(numbered(3)) || !one.save(numbered(6))) return false;
        auto const done = one.save(tests::stored_sample(200));
        bool const refused = !done && done.error() == store_error::full;
        return refused && one.load()->state == numbered(6) && one.save(numbered(9)) && one.load()->state == numbered(9);
    }));
}

TEST_CASE("without room a save fails by name and the state before stays") {
    scratch_directory const scratch;
    CHECK(in_child([&] {
        std::signal(SIGXFSZ, SIG_IGN);
        file_store one{scratch.path("state")};
        if (!one.save(numbered(3))) return false;
        rlimit const little{600, 600};
        if (::setrlimit(RLIMIT_FSIZE, &little) != 0) return false;
        auto const done = one.save(numbered(5));
        return !done && done.error() == store_error::full && one.load() && one.load()->state == numbered(3);
    }));
    CHECK(file_store{scratch.path("state")}.load()->state == numbered(3));
}

TEST_CASE("a process killed while it saves leaves what it saved or was saving, three hundred times") {
    scratch_directory const scratch{tests::fast_parent()};
    std::uint64_t known = 0; // the last save that returned
    std::uint64_t seen = 0;  // the last one found
    int lost = 0;
    for (int round = 0; round < 300; ++round) {
        int said[2] = {-1, -1};
        REQUIRE(::pipe(said) == 0);
        pid_t const child = ::fork();
        if (child == 0) {
            file_store one{scratch.path("state")};
            for (std::uint64_t i = seen + 1;; ++i) {
                if (!one.save(numbered(i))) ::_exit(1);
                if (::write(said[1], &i, sizeof i) != sizeof i) ::_exit(1);
            }
        }
        ::close(said[1]);
        std::this_thread::sleep_for(std::chrono::microseconds{300 + round * 37 % 3000});
        ::kill(child, SIGKILL);
        REQUIRE(::waitpid(child, nullptr, 0) == child);
        for (std::uint64_t i = 0; ::read(said[0], &i, sizeof i) == sizeof i;) known = i;
        ::close(said[0]);
        file_store reader{scratch.path("state")};
        auto const found = reader.load();
        bool const whole = found && found->quarantined == 0 &&
                           (found->state == numbered(found->state.incarnation) || found->generation == 0);
        if (!whole || found->state.incarnation < known || found->state.incarnation > known + 1) ++lost;
        if (whole) known = seen = found->state.incarnation;
    }
    CHECK(lost == 0);
    CHECK(seen > 0);
}
