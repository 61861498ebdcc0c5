// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Signs what nodes send to a registry, for tests that speak HTTP themselves; alone it tests itself.
//
//   integration_registry_signer                    sign and verify
//   integration_registry_signer serve <network>    answers lines of standard input until it ends:
//     record <number> <name> <port> <incarnation>  -> <node id> <record in Base64>
//     proof <number> <challenge in hex>            -> <signature in hex>
#include <peerkit/core/base64.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/crypto/challenge.hpp>
#include <peerkit/crypto/identity.hpp>
#include <peerkit/crypto/network_name.hpp>
#include <peerkit/crypto/signed_record.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace peerkit;

template <typename T>
T must(result<T> got) {
    if (got) return std::move(*got);
    std::cerr << got.error().message() << '\n';
    std::exit(1);
}

/// The node of a number: the same one in every run.
crypto::ed25519_identity identity(std::uint64_t number) {
    std::array<std::byte, crypto::ed25519_identity::seed_size> seed{};
    seed[0] = std::byte{1};
    store_big(seed.data() + 24, number + 1);
    return must(crypto::ed25519_identity::from_seed(seed));
}

std::vector<std::byte> record(crypto::ed25519_identity const& node, network_id const& network, std::string const& name,
                              std::uint16_t port, std::uint64_t incarnation) {
    description said;
    said.name = name;
    said.gossip_port = port;
    said.addresses = {{*ip_address::parse("127.0.0.1"), 0, address_kind::local}};
    if (!normalize(said)) std::exit(2);
    std::vector<std::byte> room(limits::record);
    auto const made = must(crypto::sign_record(node, network, said, incarnation, false, room));
    return {made.bytes().begin(), made.bytes().end()};
}

int test() {
    auto const network = crypto::network_id_of("test");
    auto const node = identity(7);
    auto const bytes = record(node, network, "n7", 9000, 1);
    auto const seen = must(wire::record_view::parse(bytes));
    std::array<std::byte, 16> challenge{};
    challenge[3] = std::byte{9};
    auto const proof = must(crypto::sign_challenge(node, network, challenge));
    using signer = crypto::ed25519_identity;
    bool const good = crypto::verify_record<signer>(seen, network) &&
                      crypto::verify_challenge<signer>(node.id(), network, challenge, proof) &&
                      !crypto::verify_record<signer>(seen, crypto::network_id_of("other")) &&
                      identity(8).id() != node.id();
    return good ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 3) return test();
    auto const network = crypto::network_id_of(argv[2]);
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words{line};
        std::string what, text;
        std::uint64_t number = 0;
        words >> what >> number >> text;
        auto const node = identity(number);
        if (what == "record") {
            std::uint16_t port = 0;
            std::uint64_t incarnation = 0;
            words >> port >> incarnation;
            std::cout << node.id().to_string() << ' ' << to_base64(record(node, network, text, port, incarnation))
                      << std::endl;
        } else {
            std::vector<std::byte> challenge(text.size() / 2);
            if (!from_hex(text, challenge)) return 2;
            std::cout << to_hex(must(crypto::sign_challenge(node, network, challenge))) << std::endl;
        }
    }
    return 0;
}
