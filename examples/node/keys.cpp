// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Makes and loads identities and network keys.
#include "keys.hpp"

#include "settings.hpp"

#include <peerkit/crypto/key_file.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace node_program {

using namespace peerkit;

namespace {

constexpr char const* key_variable = "PEERKIT_NETWORK_KEY";

[[noreturn]] void fail_to_make(std::string const& file, error const& why) {
    throw refusal{exit_failed, "'" + file + "': " + why.message()};
}

} // namespace

int make_identity(std::string const& file) {
    auto const identity = crypto::ed25519_identity::generate();
    if (!identity) fail_to_make(file, identity.error());
    if (auto const saved = crypto::save_identity(file, *identity); !saved) fail_to_make(file, saved.error());
    std::printf("%s\n", identity->id().to_string().c_str());
    return exit_ok;
}

int make_network_key(std::string const& file) {
    auto const key = crypto::network_key::generate();
    if (!key) fail_to_make(file, key.error());
    if (!file.empty()) {
        if (auto const saved = crypto::save_network_key(file, *key); !saved) fail_to_make(file, saved.error());
        return exit_ok;
    }
    std::array<char, 2 * crypto::network_key::size> digits;
    key->to_hex(digits);
    std::printf("%.*s\n", static_cast<int>(digits.size()), digits.data());
    sodium_memzero(digits.data(), digits.size());
    return exit_ok;
}

crypto::ed25519_identity load_identity(std::string const& file) {
    auto identity = file.empty() ? crypto::ed25519_identity::generate() : crypto::load_or_create_identity(file);
    if (!identity) refuse("--identity-file '" + file + "'", identity.error());
    return std::move(*identity);
}

std::optional<crypto::network_key> load_network_key(std::string const& file, bool open_network) {
    char* const variable = std::getenv(key_variable);
    bool const in_variable = variable != nullptr && *variable != '\0';
    int const ways = (file.empty() ? 0 : 1) + (in_variable ? 1 : 0) + (open_network ? 1 : 0);
    if (ways == 0) {
        refuse("the network key is missing: make one with `peerkit-node psk FILE` and give every member "
               "--network-key-file FILE, or PEERKIT_NETWORK_KEY; --open-network if anybody may join and listen");
    }
    if (ways > 1) refuse("--network-key-file, PEERKIT_NETWORK_KEY and --open-network: only one of them can be given");
    if (open_network) return std::nullopt;

    auto key = in_variable ? crypto::network_key::parse(variable) : crypto::load_network_key(file);
    if (in_variable) {
        // Programs this one runs inherit the environment.
        sodium_memzero(variable, std::strlen(variable));
        ::unsetenv(key_variable);
    }
    if (!key) refuse(in_variable ? std::string{key_variable} : "--network-key-file '" + file + "'", key.error());
    return std::move(*key);
}

} // namespace node_program
