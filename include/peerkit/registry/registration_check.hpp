// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Whether a registration may be believed: its texts agree with its announcement, and the key answers a challenge.
#ifndef PEERKIT_REGISTRY_REGISTRATION_CHECK_HPP
#define PEERKIT_REGISTRY_REGISTRATION_CHECK_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/crypto/challenge.hpp>
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/crypto/siphash.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/node_row.hpp>
#include <peerkit/registry/request.hpp>
#include <peerkit/wire/record.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Makes challenges and knows them again, without remembering any: a challenge is a keyed hash of the node and of the
/// time in steps of 30 seconds, good for its step and the next.
class challenge_maker {
public:
    static constexpr duration step = std::chrono::seconds{30};

    explicit challenge_maker(crypto::siphash_key const& secret) noexcept : secret_{secret} {}

    [[nodiscard]] challenge_bytes make(node_id const& id, time_point now) const noexcept {
        return of_step(id, step_of(now));
    }
    /// Whether `proof` answers a challenge made lately.
    template <crypto::SigningVerifies Signing>
    [[nodiscard]] bool proves(node_id const& id, network_id const& network, byte_view proof, time_point now) const {
        std::int64_t const present = step_of(now);
        return crypto::verify_challenge<Signing>(id, network, of_step(id, present), proof) ||
               crypto::verify_challenge<Signing>(id, network, of_step(id, present - 1), proof);
    }

private:
    [[nodiscard]] static std::int64_t step_of(time_point now) noexcept { return now.time_since_epoch() / step; }
    [[nodiscard]] challenge_bytes of_step(node_id const& id, std::int64_t number) const noexcept {
        challenge_bytes made;
        for (std::uint64_t half = 0; half < 2; ++half) {
            crypto::siphash hash{secret_};
            hash.bytes(id.bytes);
            hash.number(static_cast<std::uint64_t>(number));
            hash.number(half);
            store_big(made.data() + 8 * half, hash.value());
        }
        return made;
    }

    crypto::siphash_key secret_;
};

namespace detail {

/// A domain as it is compared: lower case, without a final dot.
[[nodiscard]] inline std::string folded_domain(std::string_view text) {
    if (text.ends_with('.')) text.remove_suffix(1);
    std::string made{text};
    for (char& c : made) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return made;
}
/// Whether the announcement says that the node is at this address, or does not say where it is.
[[nodiscard]] inline bool may_be_at(wire::record_view record, ip_address const& address) noexcept {
    if (record.address_count() == 0) return true;
    for (typed_address const& a : record.addresses()) {
        if (a.address == address) return true;
    }
    return false;
}
[[nodiscard]] inline bool has_port(wire::record_view record, std::uint16_t port) noexcept {
    if (record.gossip_port() == port) return true;
    for (typed_address const& a : record.addresses()) {
        if (a.port == port) return true;
    }
    return false;
}

} // namespace detail

/// Checks everything of a registration that costs no signature, and folds its domain. The announcement, read in place.
/// @par Errors `malformed` (field names the text), `bad_record` (position: an offset in it), `wrong_network`,
/// `mismatch`, `bad_proof` for a proof that has not the size of a signature.
[[nodiscard]] inline result<wire::record_view> check_registration(registration& asked, network_id const& network) {
    if (asked.network && !(*asked.network == network)) return fail(registry_error::wrong_network, 0, "network");
    auto const record = wire::record_view::parse(asked.record);
    if (!record) return fail(registry_error::bad_record, record.error().position(), "record");
    if (record->left()) return fail(registry_error::bad_record, 0, "left");
    asked.domain = detail::folded_domain(asked.domain);
    if (!asked.domain.empty()) {
        if (auto const ok = check_name(asked.domain, max_domain, "domain"); !ok) {
            return fail(registry_error::malformed, ok.error().position(), "domain");
        }
    }
    if (auto const ok = check_text(asked.registry, max_registry_text, "registry_address"); !ok) {
        return fail(registry_error::malformed, ok.error().position(), "registry_address");
    }
    if (auto const ok = check_text(asked.found_by, max_found_by, "found_by"); !ok) {
        return fail(registry_error::malformed, ok.error().position(), "found_by");
    }
    if (asked.name && *asked.name != record->name()) return fail(registry_error::mismatch, 0, "node_name");
    if (asked.address && *asked.address && !detail::may_be_at(*record, *asked.address)) {
        return fail(registry_error::mismatch, 0, "ipv6_address");
    }
    if (asked.port && !detail::has_port(*record, *asked.port)) return fail(registry_error::mismatch, 0, "port");
    if (!asked.proof.empty() && asked.proof.size() != sizeof(crypto::signature)) {
        return fail(registry_error::bad_proof, asked.proof.size(), "proof");
    }
    return *record;
}

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
