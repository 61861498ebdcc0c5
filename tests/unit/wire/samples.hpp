// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Descriptions and records to test with: one fixed, any number drawn from a generator.
#ifndef PEERKIT_TESTS_UNIT_WIRE_SAMPLES_HPP
#define PEERKIT_TESTS_UNIT_WIRE_SAMPLES_HPP

#include <peerkit/core/description.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/wire/record.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tests {

/// What tests/data/vectors/record.txt calls "full".
inline peerkit::description full_description() {
    using namespace peerkit;
    description d;
    d.name = "db1";
    d.gossip_port = 9000;
    d.api_port = 8000;
    d.version = "1.2.0";
    d.addresses = {{ip_address::v4(192, 0, 2, 7), 0, address_kind::local},
                   {*ip_address::parse("fd7a:115c:a1e0::7"), 9100, address_kind::overlay}};
    d.roles = {"backend", "worker"};
    d.capabilities = {"ssd"};
    d.labels = {{"rack", "r17"}, {"zone", ""}};
    d.services = {{"sql", 5432, "primary", service_health::passing, 1'700'000'000}};
    return d;
}

inline std::size_t below(peerkit::seeded_rng& rng, std::size_t bound) {
    return static_cast<std::size_t>(peerkit::uniform(rng, std::uint64_t{bound}));
}

inline std::string random_text(peerkit::seeded_rng& rng, std::string_view alphabet, std::size_t least,
                               std::size_t most) {
    std::string text;
    for (std::size_t size = least + below(rng, most - least + 1); text.size() < size;) {
        text.push_back(alphabet[below(rng, alphabet.size())]);
    }
    return text;
}

/// Normalized; its record fits `limits::record` more often than not.
inline peerkit::description random_description(peerkit::seeded_rng& rng) {
    using namespace peerkit;
    constexpr std::string_view names = "abcXYZ019-_./:";
    constexpr std::string_view texts = "aZ9 =,;\"\\{}\x80\xc3\xa9\xff";
    description d;
    d.name = random_text(rng, names, 1, limits::name);
    d.version = random_text(rng, texts, 0, limits::version_text);
    d.gossip_port = static_cast<std::uint16_t>(1 + below(rng, 65535));
    d.api_port = static_cast<std::uint16_t>(below(rng, 65536));
    for (std::size_t n = below(rng, limits::addresses + 1); n > 0; --n) {
        std::array<std::byte, 16> raw{};
        for (std::byte& b : raw) b = static_cast<std::byte>(below(rng, 256));
        raw[0] = std::byte{0x20};
        byte_view const part = below(rng, 2) == 0 ? byte_view{raw}.first(4) : byte_view{raw};
        d.addresses.push_back({ip_address::from_bytes(part), static_cast<std::uint16_t>(below(rng, 3) * 7),
                               static_cast<address_kind>(below(rng, 16))});
    }
    for (std::size_t n = below(rng, limits::roles + 1); n > 0; --n) {
        d.roles.push_back(random_text(rng, names, 1, 12) + std::to_string(n));
    }
    for (std::size_t n = below(rng, limits::capabilities / 2); n > 0; --n) {
        d.capabilities.push_back(random_text(rng, names, 1, 12) + std::to_string(n));
    }
    for (std::size_t n = below(rng, limits::labels / 2); n > 0; --n) {
        d.labels.push_back({random_text(rng, names, 1, 12) + std::to_string(n), random_text(rng, texts, 0, 99)});
    }
    for (std::size_t n = below(rng, limits::services / 2); n > 0; --n) {
        d.services.push_back({random_text(rng, names, 1, 12) + std::to_string(n),
                              static_cast<std::uint16_t>(below(rng, 65536)), random_text(rng, texts, 0, 99),
                              static_cast<service_health>(below(rng, 5)), static_cast<std::uint32_t>(rng())});
    }
    auto const by_key = [](auto const& a, auto const& b) { return a.key == b.key; };
    auto const by_name = [](auto const& a, auto const& b) { return a.name == b.name; };
    std::sort(d.roles.begin(), d.roles.end());
    d.roles.erase(std::unique(d.roles.begin(), d.roles.end()), d.roles.end());
    std::sort(d.capabilities.begin(), d.capabilities.end());
    d.capabilities.erase(std::unique(d.capabilities.begin(), d.capabilities.end()), d.capabilities.end());
    std::sort(d.labels.begin(), d.labels.end(), [](auto const& a, auto const& b) { return a.key < b.key; });
    d.labels.erase(std::unique(d.labels.begin(), d.labels.end(), by_key), d.labels.end());
    std::sort(d.services.begin(), d.services.end(), [](auto const& a, auto const& b) { return a.name < b.name; });
    d.services.erase(std::unique(d.services.begin(), d.services.end(), by_name), d.services.end());
    d.takes_compressed = below(rng, 2) == 0;
    return d;
}

inline peerkit::node_id some_id(std::uint8_t fill = 0x5a) {
    peerkit::node_id id;
    id.bytes.fill(std::byte{fill});
    return id;
}

/// The record of `d` with a signature that is none: 64 bytes of 0xee.
inline std::vector<std::byte> unsigned_record(peerkit::description const& d, std::uint64_t incarnation = 7,
                                              bool left = false) {
    using namespace peerkit;
    std::vector<std::byte> made(limits::record);
    auto const size = wire::encode_record(d, some_id(), incarnation, left, made);
    if (!size) return {};
    made.resize(*size);
    made.resize(*size + wire::record_layout::signature_size, std::byte{0xee});
    return made;
}

} // namespace tests

#endif
