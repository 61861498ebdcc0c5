// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of the directory of a store: whose it is, who has it, and that files in it are whole.
#include <peerkit/store/state_directory.hpp>

#include "support/scratch_directory.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

using namespace peerkit;
using store::state_directory;
using store::store_error;
using tests::in_child;
using tests::scratch_directory;

namespace {

unsigned mode_of(std::string const& path) {
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

} // namespace

TEST_CASE("a state directory is made for this user alone") {
    scratch_directory const scratch;
    std::string const path = scratch.path("state");
    {
        auto const made = state_directory::open(path);
        REQUIRE(made);
        CHECK(mode_of(path) == 0700);
        CHECK(scratch.read("state/peerkit.lock") == std::to_string(::getpid()) + "\n");
        CHECK(mode_of(path + "/peerkit.lock") == 0600);
    }
    CHECK(state_directory::open(path));
}

TEST_CASE("a place that cannot be a state directory is refused by what is wrong with it") {
    scratch_directory const scratch;
    auto const nowhere = state_directory::open(scratch.path("a/b"));
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error() == store_error::unusable);
    CHECK(nowhere.error().position() == ENOENT);
    CHECK(nowhere.error().field() == "create directory");

    scratch.write("file", "x");
    CHECK(state_directory::open(scratch.path("file")).error() == store_error::not_directory);
    CHECK(state_directory::open(scratch.path("file/below")).error() == store_error::not_directory);

    std::filesystem::create_directory(scratch.path("shared"));
    REQUIRE(::chmod(scratch.path("shared").c_str(), 0770) == 0);
    auto const open_to_group = state_directory::open(scratch.path("shared"));
    REQUIRE_FALSE(open_to_group);
    CHECK(open_to_group.error() == store_error::not_private);
    CHECK(open_to_group.error().position() == 0770);
    REQUIRE(::chmod(scratch.path("shared").c_str(), 0755) == 0);
    CHECK(state_directory::open(scratch.path("shared")));

    std::filesystem::create_symlink("elsewhere", scratch.path("shared/link"));
    std::filesystem::remove(scratch.path("shared/peerkit.lock"));
    std::filesystem::create_symlink("elsewhere", scratch.path("shared/peerkit.lock"));
    CHECK(state_directory::open(scratch.path("shared")).error() == store_error::not_regular);
}

TEST_CASE("a directory of another user, or one that may not be written, is told from one that is broken") {
    scratch_directory const scratch;
    CHECK(in_child(
        [] {
            auto const of_root = state_directory::open("/usr");
            return !of_root && of_root.error() == store_error::wrong_owner && of_root.error().position() == 0;
        },
        true));
    std::string const path = scratch.path("state");
    REQUIRE(::chmod(scratch.path().c_str(), 0711) == 0);
    std::filesystem::create_directory(path);
    if (::geteuid() == 0) REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    REQUIRE(::chmod(path.c_str(), 0500) == 0);
    CHECK(in_child(
        [&] {
            auto const sealed = state_directory::open(path);
            return !sealed && sealed.error() == store_error::read_only && sealed.error().position() == EACCES &&
                   sealed.error().field() == "lock";
        },
        true));
    REQUIRE(::chmod(path.c_str(), 0700) == 0);
    CHECK(in_child([&] { return state_directory::open(path).has_value(); }, true));
    CHECK(in_child(
        [&] {
            auto const below = state_directory::open(path + "/sub/sub");
            return !below && below.error() == store_error::unusable;
        },
        true));
}

TEST_CASE("a directory belongs to one store at a time, and is free again when its process is gone") {
    scratch_directory const scratch;
    std::string const path = scratch.path("state");
    std::optional<result<state_directory>> first{state_directory::open(path)};
    REQUIRE(first->has_value());
    auto const second = state_directory::open(path);
    REQUIRE_FALSE(second);
    CHECK(second.error() == store_error::in_use);
    CHECK(second.error().position() == static_cast<std::uint64_t>(::getpid()));
    CHECK(second.error().field() == "lock");

    state_directory moved = std::move(**first);
    first.reset();
    CHECK(state_directory::open(path).error() == store_error::in_use);
    { state_directory const last = std::move(moved); }
    CHECK(state_directory::open(path));

    // A child that dies with the directory in its hands.
    int ready[2] = {-1, -1};
    REQUIRE(::pipe(ready) == 0);
    pid_t const child = ::fork();
    if (child == 0) {
        auto const held = state_directory::open(path);
        char const word = held ? 'y' : 'n';
        (void)!::write(ready[1], &word, 1);
        for (;;) ::pause();
    }
    char word = 0;
    REQUIRE(::read(ready[0], &word, 1) == 1);
    CHECK(word == 'y');
    auto const refused = state_directory::open(path);
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == store_error::in_use);
    CHECK(refused.error().position() == static_cast<std::uint64_t>(child));
    REQUIRE(::kill(child, SIGKILL) == 0);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    CHECK(state_directory::open(path));
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST_CASE("stores that lock different files share a directory") {
    scratch_directory const scratch;
    auto const first = state_directory::open(scratch.path("state"));
    auto const second = state_directory::open(scratch.path("state"), "other.lock");
    CHECK(first);
    CHECK(second);
    CHECK(state_directory::open(scratch.path("state"), "other.lock").error() == store_error::in_use);
}

TEST_CASE("a file is made for this user alone, once") {
    scratch_directory const scratch;
    auto const place = state_directory::open(scratch.path("state") + "/");
    REQUIRE(place);
    CHECK(place->path("a") == scratch.path("state/a"));
    CHECK_FALSE(place->has("a"));
    REQUIRE(place->make("a"));
    CHECK(place->has("a"));
    CHECK(mode_of(place->path("a")) == 0600);
    scratch.write("state/a", "kept");
    REQUIRE(place->make("a"));
    CHECK(scratch.read("state/a") == "kept");
    std::filesystem::create_directory(scratch.path("state/d"));
    CHECK(place->make("d").error() == store_error::not_regular);
    std::filesystem::create_symlink(scratch.path("state/b"), scratch.path("state/l"));
    CHECK(place->has("l"));
    CHECK(place->make("l").error() == store_error::not_regular);
    CHECK_FALSE(place->has("b"));
}

TEST_CASE("files are renamed, taken away and synced by name") {
    scratch_directory const scratch;
    auto const place = state_directory::open(scratch.path("state"));
    REQUIRE(place);
    scratch.write("state/a", "x");
    CHECK(place->sync("a"));
    CHECK(place->link("a", "c"));
    CHECK(scratch.read("state/c") == "x");
    CHECK(place->link("a", "c").error() == store_error::unusable);
    CHECK(place->rename("a", "b"));
    CHECK(place->sync());
    CHECK(scratch.read("state/b") == "x");
    CHECK(place->rename("a", "b").error() == store_error::unusable);
    CHECK(place->sync("a").error() == store_error::unusable);
    CHECK(place->remove("b"));
    CHECK(place->remove("b"));
    CHECK_FALSE(scratch.has("state/b"));
    std::filesystem::create_directory(scratch.path("state/d"));
    CHECK_FALSE(place->remove("d"));
}

TEST_CASE("a file is replaced whole, and the one before is kept") {
    scratch_directory const scratch;
    auto const place = state_directory::open(scratch.path("state"));
    REQUIRE(place);
    CHECK_FALSE(place->read("a", 100).value());
    REQUIRE(place->replace("a", "b", "one"));
    CHECK(place->read("a", 100).value() == "one");
    CHECK_FALSE(place->read("b", 100).value());
    REQUIRE(place->replace("a", "b", ""));
    REQUIRE(place->replace("a", "b", "three"));
    CHECK(place->read("a", 100).value() == "three");
    CHECK(place->read("b", 100).value() == "");
    CHECK_FALSE(scratch.has("state/a.new"));
    CHECK(mode_of(scratch.path("state/a")) == 0600);
    auto const large = place->read("a", 4);
    REQUIRE_FALSE(large);
    CHECK(large.error() == store_error::too_large);
    CHECK(large.error().position() == 5);
}

TEST_CASE("what is no file is neither read nor written") {
    scratch_directory const scratch;
    auto const place = state_directory::open(scratch.path("state"));
    REQUIRE(place);
    std::filesystem::create_directory(scratch.path("state/d"));
    CHECK(place->read("d", 100).error() == store_error::not_regular);
    REQUIRE(::mkfifo(scratch.path("state/f").c_str(), 0600) == 0);
    CHECK(place->read("f", 100).error() == store_error::not_regular);
    scratch.write("target", "kept");
    std::filesystem::create_symlink(scratch.path("target"), scratch.path("state/l"));
    CHECK(place->read("l", 100).error() == store_error::not_regular);
    std::filesystem::create_symlink(scratch.path("target"), scratch.path("state/m.new"));
    CHECK(place->replace("m", "n", "text").error() == store_error::not_regular);
    CHECK(scratch.read("target") == "kept");
}

TEST_CASE("without room a file stays what it was, and the room is given back") {
    scratch_directory const scratch;
    CHECK(in_child([&] {
        std::signal(SIGXFSZ, SIG_IGN);
        auto const place = state_directory::open(scratch.path("state"));
        if (!place || !place->replace("a", "b", "first") || !place->replace("a", "b", "second")) return false;
        rlimit const little{100, 100};
        if (::setrlimit(RLIMIT_FSIZE, &little) != 0) return false;
        auto const done = place->replace("a", "b", std::string(101, 'x'));
        return !done && done.error() == store_error::full && done.error().field() == "write" &&
               place->replace("a", "b", std::string(100, 'x'));
    }));
    CHECK(scratch.read("state/a") == std::string(100, 'x'));
    CHECK(scratch.read("state/b") == "second");
    CHECK_FALSE(scratch.has("state/a.new"));
}

TEST_CASE("damaged files are set aside, the newest few of them") {
    scratch_directory const scratch;
    auto const place = state_directory::open(scratch.path("state"));
    REQUIRE(place);
    CHECK(place->quarantine("a").error() == store_error::unusable);
    for (char const* text : {"1", "2", "3", "4", "5", "6"}) {
        scratch.write("state/a", text);
        REQUIRE(place->quarantine("a"));
        CHECK_FALSE(scratch.has("state/a"));
    }
    CHECK(scratch.read("state/a.quarantined-1") == "6");
    CHECK(scratch.read("state/a.quarantined-4") == "3");
    CHECK_FALSE(scratch.has("state/a.quarantined-5"));
}
