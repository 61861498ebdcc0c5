// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Nodes that register, for the tests of the registry floor: numbered identities, their announcements, rows of them.
#ifndef PEERKIT_TESTS_SUPPORT_REGISTRANTS_HPP
#define PEERKIT_TESTS_SUPPORT_REGISTRANTS_HPP

#include <peerkit/core/description.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/crypto/challenge.hpp>
#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/registry/node_row.hpp>
#include <peerkit/registry/request.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tests {

/// Node number `n`: its key follows from the number, its name is "node<n>" unless said otherwise.
struct registrant {
    explicit registrant(std::uint64_t n)
        : identity{n}, me{.name = "node" + std::to_string(n), .gossip_port = 9000, .roles = {"worker"}} {
        me.addresses = {{peerkit::ip_address::v4(10, 0, static_cast<std::uint8_t>(n >> 8U & 0xffU),
                                                 static_cast<std::uint8_t>(n & 0xffU)),
                         0, peerkit::address_kind::local}};
    }
    registrant named(std::string name) const {
        registrant other = *this;
        other.me.name = std::move(name);
        return other;
    }
    registrant at_incarnation(std::uint64_t number) const {
        registrant other = *this;
        other.incarnation = number;
        return other;
    }

    [[nodiscard]] peerkit::node_id id() const { return identity.id(); }
    [[nodiscard]] std::vector<std::byte> record(bool left = false) const {
        std::array<std::byte, peerkit::limits::record> room{};
        auto const made = peerkit::crypto::sign_record(identity, network, me, incarnation, left, room);
        if (!made) return {};
        return {made->bytes().begin(), made->bytes().end()};
    }
    /// Without a proof.
    [[nodiscard]] peerkit::registry::registration asks(std::string domain = "example.test") const {
        peerkit::registry::registration asked;
        asked.record = record();
        asked.domain = std::move(domain);
        return asked;
    }
    [[nodiscard]] std::vector<std::byte> prove(peerkit::byte_view challenge) const {
        auto const made = peerkit::crypto::sign_challenge(identity, network, challenge);
        if (!made) return {};
        return {made->begin(), made->end()};
    }
    [[nodiscard]] peerkit::registry::node_row row(std::uint64_t version = 0,
                                                  std::string domain = "example.test") const {
        peerkit::registry::node_row made{
            .id = id(), .record = record(), .domain = std::move(domain), .version = version};
        made.lease.bytes[0] = std::byte{1};
        return made;
    }

    peerkit::crypto::fake_identity identity;
    peerkit::description me;
    std::uint64_t incarnation = 1;
    peerkit::network_id network{};
};

/// A lease for those that need one.
[[nodiscard]] inline peerkit::registry::lease_id lease_number(unsigned char n) {
    peerkit::registry::lease_id made;
    made.bytes.fill(std::byte{n});
    return made;
}

} // namespace tests

#endif
