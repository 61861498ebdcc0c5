// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The text of gossip_state.json: one JSON object whose checksum covers the rest of it.
#ifndef PEERKIT_STORE_SNAPSHOT_HPP
#define PEERKIT_STORE_SNAPSHOT_HPP

#include <peerkit/core/base64.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/json_writer.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/node/provenance_set.hpp>
#include <peerkit/store/checksum.hpp>
#include <peerkit/store/error.hpp>
#include <peerkit/store/stored_state.hpp>
#include <peerkit/wire/record.hpp>

#include <simdjson.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace store {

/// The format that is written. A reader takes older ones and refuses newer ones.
inline constexpr std::uint64_t snapshot_version = 1;
/// No state within the bounds of `check_bounds` makes a longer text.
inline constexpr std::size_t max_snapshot = std::size_t{32} << 20U;

namespace detail {

inline constexpr std::string_view snapshot_format = "peerkit gossip state";
inline constexpr std::string_view snapshot_opening = "{\"checksum\":\"";
inline constexpr std::size_t checksum_digits = 16;
/// Bytes before those that the checksum covers.
inline constexpr std::size_t snapshot_envelope = snapshot_opening.size() + checksum_digits;

[[nodiscard]] inline std::string checksum_text(std::string_view covered) {
    std::array<std::byte, 8> bytes{};
    store_big(bytes.data(), checksum(covered));
    return to_hex(bytes);
}

} // namespace detail

/// The text of a state: one JSON object and a line end. Its first field is the checksum of everything after it.
/// docs/store.md names every field.
/// @par Errors those of `check_bounds`
[[nodiscard]] inline result<std::string> encode_snapshot(stored_state const& state, std::uint64_t generation) {
    if (auto const fits = check_bounds(state); !fits) return fail(fits.error());
    json_writer out;
    out.reserve(1024 + state.peers.size() * 600);
    out.open('{').field("checksum", std::string_view{"0000000000000000"});
    out.field("format", detail::snapshot_format).field("version", snapshot_version).field("generation", generation);
    out.key("owner").hex(state.owner.bytes).key("network").hex(state.network.bytes);
    out.field("incarnation", state.incarnation);
    out.key("settings").open('{');
    for (auto const& [key, value] : state.settings) out.field(key, value);
    out.close('}').key("registries").open('[');
    for (std::string const& registry : state.registries) out.value(registry);
    out.close(']').key("peers").open('[');
    for (stored_peer const& peer : state.peers) {
        out.open('{').key("record").base64(peer.record).key("sources").open('[');
        peer.sources.for_each([&](discovery::provenance one) { out.value(discovery::to_string(one)); });
        out.close(']');
        if (peer.last_endpoint) out.field("endpoint", peer.last_endpoint.to_string());
        out.field("last_heard_ms", peer.last_heard_ms).close('}');
    }
    out.close(']').close('}');
    std::string text = std::move(out).text();
    text += '\n';
    std::string const sum = detail::checksum_text(std::string_view{text}.substr(detail::snapshot_envelope));
    text.replace(detail::snapshot_opening.size(), detail::checksum_digits, sum);
    return text;
}

namespace detail {

class snapshot_reader {
public:
    [[nodiscard]] result<loaded_state> read(simdjson::dom::object const& from) {
        loaded_state found;
        std::string_view format;
        if (from["format"].get(format) != simdjson::SUCCESS) return missing("format");
        if (format != snapshot_format) return fail(store_error::not_ours, 0, "format");
        std::uint64_t version = 0;
        if (from["version"].get(version) != simdjson::SUCCESS || version == 0) return missing("version");
        if (version > snapshot_version) return fail(store_error::newer_format, version, "version");
        if (from["generation"].get(found.generation) != simdjson::SUCCESS) return missing("generation");
        stored_state& state = found.state;
        if (!hex(from["owner"], state.owner.bytes)) return missing("owner");
        if (!hex(from["network"], state.network.bytes)) return missing("network");
        if (from["incarnation"].get(state.incarnation) != simdjson::SUCCESS || state.incarnation >= limits::incarnation)
            return missing("incarnation");
        if (!settings(from["settings"], state)) return missing("settings");
        if (!registries(from["registries"], state)) return missing("registries");
        simdjson::dom::array peers;
        if (from["peers"].get(peers) != simdjson::SUCCESS) return missing("peers");
        for (simdjson::dom::element const one : peers) {
            if (stored_peer peer; state.peers.size() < max_peers && read_peer(one, peer)) {
                state.peers.push_back(std::move(peer));
            } else {
                ++found.left_out;
            }
        }
        if (auto const fits = check_bounds(state); !fits) return missing(fits.error().field().data());
        return found;
    }

private:
    using maybe = simdjson::simdjson_result<simdjson::dom::element>;

    [[nodiscard]] static tl::unexpected<error> missing(char const* field) noexcept {
        return fail(store_error::bad_field, 0, field);
    }
    [[nodiscard]] static bool hex(maybe const& from, byte_span to) {
        std::string_view text;
        return from.get(text) == simdjson::SUCCESS && from_hex(text, to);
    }
    [[nodiscard]] static bool settings(maybe const& from, stored_state& to) {
        simdjson::dom::object object;
        if (from.get(object) != simdjson::SUCCESS) return false;
        for (auto const& field : object) {
            std::string_view value;
            if (field.value.get(value) != simdjson::SUCCESS) return false;
            to.settings.insert_or_assign(std::string{field.key}, std::string{value});
            if (to.settings.size() > max_settings) return false;
        }
        return true;
    }
    [[nodiscard]] static bool registries(maybe const& from, stored_state& to) {
        simdjson::dom::array array;
        if (from.get(array) != simdjson::SUCCESS || array.size() > max_registries) return false;
        for (simdjson::dom::element const one : array) {
            std::string_view text;
            if (one.get(text) != simdjson::SUCCESS) return false;
            to.registries.emplace_back(text);
        }
        return true;
    }
    [[nodiscard]] bool read_peer(simdjson::dom::element const& from, stored_peer& to) {
        std::string_view text;
        if (from["record"].get(text) != simdjson::SUCCESS) return false;
        auto const size = from_base64(text, record_);
        if (!size || !wire::record_view::parse(byte_view{record_}.first(*size))) return false;
        to.record.assign(record_.begin(), record_.begin() + static_cast<std::ptrdiff_t>(*size));
        simdjson::dom::array sources;
        if (from["sources"].get(sources) != simdjson::SUCCESS) return false;
        for (simdjson::dom::element const one : sources) {
            if (one.get(text) != simdjson::SUCCESS) return false;
            to.sources.insert(source_of(text));
        }
        if (from["last_heard_ms"].get(to.last_heard_ms) != simdjson::SUCCESS) return false;
        maybe const endpoint_text = from["endpoint"];
        if (endpoint_text.error() == simdjson::NO_SUCH_FIELD) return true;
        if (endpoint_text.get(text) != simdjson::SUCCESS) return false;
        auto const parsed = endpoint::parse(text, 0);
        if (!parsed || !*parsed || parsed->is_host_name()) return false;
        to.last_endpoint = parsed->ip();
        return true;
    }
    /// None for a name that means nothing here, as a later version may have written.
    [[nodiscard]] static node::provenance_set source_of(std::string_view name) noexcept {
        node::provenance_set found;
        node::provenance_set::from_bits(~std::uint32_t{0}).for_each([&](discovery::provenance one) {
            if (discovery::to_string(one) == name) found.insert(one);
        });
        return found;
    }

    std::array<std::byte, limits::record> record_{};
};

} // namespace detail

/// Reads such a text, whole and unchanged, or nothing. Peers whose entry makes no sense (a checksum is no proof of who
/// wrote it) are left out and counted; what records say is for `keep_verified` to judge.
/// @par Errors `too_large`, `not_ours` (it does not begin as they do), `bad_checksum`, `not_json`, `newer_format`,
/// `bad_field`
[[nodiscard]] inline result<loaded_state> decode_snapshot(std::string_view text) {
    if (text.size() > max_snapshot) return fail(store_error::too_large, text.size(), "snapshot");
    if (text.size() < detail::snapshot_envelope || !text.starts_with(detail::snapshot_opening)) {
        return fail(store_error::not_ours, 0, "snapshot");
    }
    std::string_view const sum = text.substr(detail::snapshot_opening.size(), detail::checksum_digits);
    if (sum != detail::checksum_text(text.substr(detail::snapshot_envelope))) {
        return fail(store_error::bad_checksum, text.size(), "snapshot");
    }
    simdjson::dom::parser parser{max_snapshot};
    simdjson::dom::element document;
    simdjson::dom::object object;
    if (parser.allocate(text.size(), 8) != simdjson::SUCCESS || // no deeper than this
        parser.parse(text.data(), text.size()).get(document) != simdjson::SUCCESS ||
        document.get(object) != simdjson::SUCCESS) {
        return fail(store_error::not_json, 0, "snapshot");
    }
    return detail::snapshot_reader{}.read(object);
}

} // namespace store
PEERKIT_END_NAMESPACE

#endif
