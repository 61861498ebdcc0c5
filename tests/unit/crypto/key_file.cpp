// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Tests of key files: format, permissions, never overwritten, never half written.
#include <peerkit/crypto/key_file.hpp>

#include <doctest/doctest.h>

#include "unit/wire/vectors.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace peerkit;
using crypto::crypto_error;
using crypto::ed25519_identity;
using crypto::network_key;

namespace {

namespace fs = std::filesystem;

/// A directory of its own, removed at the end.
class scratch {
public:
    scratch() {
        std::string name = (fs::temp_directory_path() / "peerkit-test-XXXXXX").string();
        if (::mkdtemp(name.data()) != nullptr) path_ = name;
        REQUIRE_FALSE(path_.empty());
    }
    scratch(scratch const&) = delete;
    scratch& operator=(scratch const&) = delete;
    ~scratch() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string operator/(char const* name) const { return (path_ / name).string(); }
    [[nodiscard]] std::size_t files() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator{path_}, fs::directory_iterator{}));
    }

private:
    fs::path path_;
};

std::string read(std::string const& path) {
    std::ifstream in{path};
    return {std::istreambuf_iterator<char>{in}, {}};
}

void write(std::string const& path, std::string const& text, mode_t mode = 0600) {
    std::ofstream{path} << text;
    REQUIRE(::chmod(path.c_str(), mode) == 0);
}

mode_t mode_of(std::string const& path) {
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

ed25519_identity golden() {
    std::array<std::byte, 32> seed{};
    copy_bytes(tests::vector_of("record.txt", "seed"), seed);
    return std::move(*ed25519_identity::from_seed(seed));
}

std::string const golden_text = "peerkit identity 1\n"
                                "secret 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
                                "public 03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8\n";

template <typename T>
void check_refused(result<T> const& loaded, crypto_error what, std::uint64_t position) {
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error() == what);
    CHECK(loaded.error().position() == position);
    CHECK_FALSE(loaded.error().field().empty());
}

std::string with(std::string text, std::string const& from, std::string const& to) {
    return text.replace(text.find(from), from.size(), to);
}

} // namespace

TEST_CASE("an identity file is three lines, for its owner only") {
    scratch const dir;
    std::string const path = dir / "id";
    mode_t const old_mask = ::umask(0);
    CHECK(crypto::save_identity(path, golden()));
    ::umask(old_mask);
    CHECK(read(path) == golden_text);
    CHECK(mode_of(path) == 0600);
    CHECK(dir.files() == 1); // no draft is left
    auto const loaded = crypto::load_identity(path);
    REQUIRE(loaded);
    CHECK(loaded->id() == golden().id());
}

TEST_CASE("the file is readable by its owner whatever the umask") {
    scratch const dir;
    mode_t const old_mask = ::umask(0777);
    CHECK(crypto::save_identity(dir / "id", golden()));
    ::umask(old_mask);
    CHECK(mode_of(dir / "id") == 0600);
}

TEST_CASE("a file that exists is never overwritten") {
    scratch const dir;
    write(dir / "id", "something else");
    check_refused(crypto::save_identity(dir / "id", golden()), crypto_error::key_file_exists, EEXIST);
    check_refused(crypto::save_network_key(dir / "id", *network_key::generate()), crypto_error::key_file_exists,
                  EEXIST);
    CHECK(read(dir / "id") == "something else");
    CHECK(dir.files() == 1);
    CHECK(::symlink((dir / "nowhere").c_str(), (dir / "link").c_str()) == 0);
    check_refused(crypto::save_identity(dir / "link", golden()), crypto_error::key_file_exists, EEXIST);
    CHECK_FALSE(fs::exists(dir / "nowhere"));
}

TEST_CASE("an identity is made once and then found") {
    scratch const dir;
    auto const made = crypto::load_or_create_identity(dir / "id");
    REQUIRE(made);
    auto const found = crypto::load_or_create_identity(dir / "id");
    REQUIRE(found);
    CHECK(found->id() == made->id());
    CHECK(crypto::load_identity(dir / "id")->id() == made->id());
}

TEST_CASE("of many that create an identity at once all get the same") {
    scratch const dir;
    std::string const path = dir / "id";
    std::array<node_id, 8> ids;
    std::atomic<bool> go{false};
    std::vector<std::thread> threads;
    for (node_id& id : ids) {
        threads.emplace_back([&] {
            while (!go.load()) std::this_thread::yield();
            if (auto const identity = crypto::load_or_create_identity(path)) id = identity->id();
        });
    }
    go = true;
    for (std::thread& t : threads) t.join();
    for (node_id const& id : ids) {
        CHECK(static_cast<bool>(id));
        CHECK(id == ids[0]);
    }
    CHECK(dir.files() == 1);
}

TEST_CASE("a file others can get at is refused, and not replaced") {
    scratch const dir;
    for (mode_t const open : {0640U, 0604U, 0620U, 0610U, 0601U, 0602U, 0644U, 0666U, 0777U}) {
        fs::remove(dir / "id");
        write(dir / "id", golden_text, open);
        check_refused(crypto::load_identity(dir / "id"), crypto_error::key_file_permissions, 0);
        check_refused(crypto::load_or_create_identity(dir / "id"), crypto_error::key_file_permissions, 0);
        check_refused(crypto::load_network_key(dir / "id"), crypto_error::key_file_permissions, 0);
        CHECK(read(dir / "id") == golden_text);
    }
    for (mode_t const closed : {0600U, 0400U, 0700U}) {
        fs::remove(dir / "id");
        write(dir / "id", golden_text, closed);
        CHECK(crypto::load_identity(dir / "id"));
    }
}

TEST_CASE("whose file it is and what kind decides before its content") {
    struct stat status{};
    status.st_mode = S_IFREG | 0600;
    status.st_uid = 1000;
    CHECK(crypto::detail::check_key_file(status, 1000));
    CHECK(crypto::detail::check_key_file(status, 0)); // root
    CHECK(crypto::detail::check_key_file(status, 1001).error() == crypto_error::key_file_owner);
    status.st_mode = S_IFREG | 0644;
    CHECK(crypto::detail::check_key_file(status, 0).error() == crypto_error::key_file_permissions);
    for (mode_t const kind : {mode_t{S_IFDIR}, mode_t{S_IFIFO}, mode_t{S_IFCHR}, mode_t{S_IFSOCK}}) {
        status.st_mode = kind | 0600;
        CHECK(crypto::detail::check_key_file(status, 1000).error() == crypto_error::key_file_not_regular);
    }
}

TEST_CASE("what is not a file is refused without waiting for it") {
    scratch const dir;
    check_refused(crypto::load_identity(dir / "none"), crypto_error::key_file_missing, ENOENT);
    check_refused(crypto::load_network_key(dir / "none"), crypto_error::key_file_missing, ENOENT);
    fs::create_directory(dir / "directory");
    check_refused(crypto::load_identity(dir / "directory"), crypto_error::key_file_not_regular, 0);
    REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
    check_refused(crypto::load_identity(dir / "pipe"), crypto_error::key_file_not_regular, 0);
    write(dir / "plain", "x");
    check_refused(crypto::load_identity(dir / "plain/id"), crypto_error::key_file_io, ENOTDIR);
    check_refused(crypto::save_identity(dir / "missing/id", golden()), crypto_error::key_file_io, ENOENT);
    check_refused(crypto::load_or_create_identity(dir / "missing/id"), crypto_error::key_file_io, ENOENT);
}

TEST_CASE("a link to a good file is followed") {
    scratch const dir;
    write(dir / "id", golden_text);
    REQUIRE(::symlink((dir / "id").c_str(), (dir / "link").c_str()) == 0);
    CHECK(crypto::load_identity(dir / "link"));
}

TEST_CASE("an identity file with anything wrong in it is refused and the line named") {
    scratch const dir;
    std::string const path = dir / "id";
    auto const check = [&](std::string const& text, crypto_error what, std::uint64_t line) {
        CAPTURE(text);
        write(path, text);
        check_refused(crypto::load_identity(path), what, line);
        CHECK(read(path) == text);
    };
    check("", crypto_error::key_file_malformed, 1);
    check(with(golden_text, "identity 1", "identity 2"), crypto_error::key_file_malformed, 1);
    check(with(golden_text, "identity 1", "identity 11"), crypto_error::key_file_malformed, 1);
    check("\n" + golden_text, crypto_error::key_file_malformed, 1);
    check(with(golden_text, "secret", "hidden"), crypto_error::key_file_malformed, 2);
    check(with(golden_text, "secret ", "secret"), crypto_error::key_file_malformed, 2);
    check(with(golden_text, "secret 00", "secret 0g"), crypto_error::key_file_malformed, 2);
    check(with(golden_text, "secret 00", "secret "), crypto_error::key_file_malformed, 2);
    check("peerkit identity 1\n", crypto_error::key_file_malformed, 2);
    check(with(golden_text, "public", "secret"), crypto_error::key_file_malformed, 3);
    check(golden_text.substr(0, golden_text.find("public")), crypto_error::key_file_malformed, 3);
    check(golden_text + "x", crypto_error::key_file_malformed, 4);
    check(golden_text + "\n", crypto_error::key_file_malformed, 4);
    check(golden_text + std::string(600, 'x'), crypto_error::key_file_malformed, 0);
    check(with(golden_text, "secret 00", "secret 01"), crypto_error::key_file_mismatch, 0);
    check(with(golden_text, "public 03", "public 02"), crypto_error::key_file_mismatch, 0);
    std::string const zeros(64, '0');
    check("peerkit identity 1\nsecret " + zeros + "\npublic " + zeros + "\n", crypto_error::weak_key, 0);
    write(path, golden_text.substr(0, golden_text.size() - 1)); // only the last line end is missing
    CHECK(crypto::load_identity(path));
}

TEST_CASE("an identity file cut short anywhere is refused") {
    scratch const dir;
    for (std::size_t size = 0; size + 1 < golden_text.size(); ++size) {
        write(dir / "id", golden_text.substr(0, size));
        auto const loaded = crypto::load_identity(dir / "id");
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error() == crypto_error::key_file_malformed);
    }
}

TEST_CASE("a network key survives its file, and bare digits will do") {
    scratch const dir;
    auto const key = network_key::generate();
    REQUIRE(key);
    CHECK(crypto::save_network_key(dir / "psk", *key));
    CHECK(mode_of(dir / "psk") == 0600);
    auto const loaded = crypto::load_network_key(dir / "psk");
    REQUIRE(loaded);
    CHECK(*loaded == *key);

    std::string const text = read(dir / "psk");
    REQUIRE(text.starts_with("peerkit network key 1\n"));
    std::string const digits = text.substr(text.find('\n') + 1);
    CHECK(digits.size() == 65);
    for (std::string const& bare : {digits, digits.substr(0, 64)}) {
        write(dir / "bare", bare);
        auto const again = crypto::load_network_key(dir / "bare");
        REQUIRE(again);
        CHECK(*again == *key);
    }
}

TEST_CASE("a network key file with anything wrong in it is refused") {
    scratch const dir;
    std::string const path = dir / "psk";
    std::string const digits = to_hex(tests::vector_of("datagram.txt", "network_key"));
    auto const check = [&](std::string const& text, crypto_error what, std::uint64_t position) {
        CAPTURE(text);
        write(path, text);
        check_refused(crypto::load_network_key(path), what, position);
    };
    check("", crypto_error::bad_key_length, 0);
    check("peerkit network key 2\n" + digits + "\n", crypto_error::key_file_malformed, 1);
    check("peerkit network key 1", crypto_error::bad_key_length, 0);
    check("peerkit network key 1\n" + digits.substr(1), crypto_error::bad_key_length, 63);
    check("peerkit network key 1\n" + digits + "\nmore", crypto_error::bad_key_length, 69);
    check("peerkit network key 1\nx" + digits.substr(1), crypto_error::bad_key_text, 0);
    check(golden_text, crypto_error::key_file_malformed, 1);
    check(std::string(64, '0') + "\n", crypto_error::weak_key, 0);
    check(digits + std::string(600, 'x'), crypto_error::key_file_malformed, 0);
}
