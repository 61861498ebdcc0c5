// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Reads the bodies of the requests that a registry takes from strangers.
#ifndef PEERKIT_REGISTRY_REQUEST_READER_HPP
#define PEERKIT_REGISTRY_REQUEST_READER_HPP

#include <peerkit/core/base64.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/json_fault.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/node_row.hpp>
#include <peerkit/registry/payload.hpp>
#include <peerkit/registry/request.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <simdjson.h>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Every body is one JSON object, valid to its end, in which unknown fields are ignored, null is as absent and of a
/// repeated key the first counts. Every known field is checked; the first that is wrong refuses the request.
///
/// Keeps its buffers, about 1 MiB once a body of the largest size came: use one object. Not thread-safe.
///
/// @code
/// registry::request_reader reader;
/// auto request = reader.read_registration(body);
/// if (!request) return refuse(request.error());     // "registry: the request is not what it should be (record)"
/// @endcode
/// @par Errors of all functions: `discovery_error` for what is no JSON object, position: the offset; of
/// `registry_error`: `too_large` with the limit; `malformed` with the field; `bad_proof`.
class request_reader {
public:
    static constexpr std::size_t max_depth = 16;

    request_reader() noexcept : parser_{max_request_body} {}

    [[nodiscard]] result<registration> read_registration(std::string_view body) {
        if (!begin(body)) return fail(*fault_);
        registration said;
        if (auto const name = text("node_name", limits::name)) said.name = *name;
        if (auto const address = text("ipv6_address", 45)) {
            auto const parsed = ip_address::parse(*address);
            if (!parsed) return fail(registry_error::malformed, 0, "ipv6_address");
            said.address = *parsed;
        }
        said.domain = text("domain", max_domain).value_or("");
        said.registry = text("registry_address", max_registry_text).value_or("");
        said.port = port("port");
        said.found_by = text("found_by", max_found_by).value_or("");
        network_id network;
        if (hex("network", network.bytes)) said.network = network;
        record(said.record);
        crypto::signature proof;
        if (hex("proof", proof, registry_error::bad_proof)) said.proof.assign(proof.begin(), proof.end());
        static_cast<void>(hex("lease", said.lease.bytes));
        if (fault_) return fail(*fault_);
        return said;
    }
    [[nodiscard]] result<heartbeat> read_heartbeat(std::string_view body) { return read_lease<heartbeat>(body); }
    [[nodiscard]] result<deregistration> read_deregistration(std::string_view body) {
        return read_lease<deregistration>(body);
    }
    [[nodiscard]] result<heartbeats_request> read_heartbeats(std::string_view body) {
        if (!begin(body)) return fail(*fault_);
        heartbeats_request said;
        said.replica = text("replica", 63).value_or("");
        simdjson::dom::array nodes;
        if (top_["nodes"].get(nodes)) wrong("nodes");
        if (fault_) return fail(*fault_);
        if (nodes.size() > max_heartbeats) wrong("nodes");
        for (simdjson::dom::element const each : nodes) {
            std::string_view digits;
            if (fault_) break;
            if (each.get(digits)) {
                wrong("nodes");
            } else if (auto const id = node_id::parse(digits)) {
                said.nodes.push_back(*id);
            } else {
                wrong("nodes");
            }
        }
        if (fault_) return fail(*fault_);
        return said;
    }

private:
    [[nodiscard]] bool begin(std::string_view body) {
        using enum discovery::discovery_error;
        fault_.reset();
        if (body.size() > max_request_body) {
            fault_ = error{registry_error::too_large, max_request_body, "body"};
            return false;
        }
        if (body.empty()) {
            fault_ = error{empty_document, 0, "body"};
            return false;
        }
        if (parser_.max_depth() != max_depth && parser_.allocate(max_request_body, max_depth)) {
            fault_ = error{registry_error::busy, 1, "memory"};
            return false;
        }
        simdjson::error_code const code = parser_.parse(body.data(), body.size()).get(top_);
        if (!code) return true;
        fault_ = discovery::find_json_fault(body, max_depth);
        if (!fault_) fault_ = error{code == simdjson::DEPTH_ERROR ? too_deep : not_json, 0, "body"};
        return false;
    }
    void wrong(char const* field, registry_error what = registry_error::malformed) noexcept {
        if (!fault_) fault_ = error{what, 0, field};
    }
    /// The value of a field that is there and not null.
    [[nodiscard]] std::optional<simdjson::dom::element> find(char const* field) const noexcept {
        simdjson::dom::element value;
        if (top_[field].get(value) || value.is_null()) return std::nullopt;
        return value;
    }
    [[nodiscard]] std::optional<std::string_view> find_text(char const* field) noexcept {
        auto const value = find(field);
        std::string_view read;
        if (!value) return std::nullopt;
        if (!value->get(read)) return read;
        wrong(field);
        return std::nullopt;
    }

    [[nodiscard]] std::optional<std::string_view> text(char const* field, std::size_t most) noexcept {
        auto const read = find_text(field);
        if (!read || check_text(*read, most, field)) return read;
        wrong(field);
        return std::nullopt;
    }
    [[nodiscard]] std::optional<std::uint16_t> port(char const* field) noexcept {
        auto const value = find(field);
        if (!value) return std::nullopt;
        std::uint64_t read = 0;
        if (value->get(read) || read == 0 || read > std::numeric_limits<std::uint16_t>::max()) {
            wrong(field);
            return std::nullopt;
        }
        return static_cast<std::uint16_t>(read);
    }
    /// Whether the field is there and well.
    [[nodiscard]] bool hex(char const* field, byte_span into,
                           registry_error otherwise = registry_error::malformed) noexcept {
        auto const read = find_text(field);
        if (!read) return false;
        if (from_hex(*read, into)) return true;
        wrong(field, otherwise);
        return false;
    }
    template <typename Request>
    [[nodiscard]] result<Request> read_lease(std::string_view body) {
        if (!begin(body)) return fail(*fault_);
        Request said;
        if (!hex("node_id", said.id.bytes)) wrong("node_id");
        if (!hex("lease", said.lease.bytes)) wrong("lease");
        if (fault_) return fail(*fault_);
        return said;
    }
    void record(std::vector<std::byte>& into) {
        auto const read = find_text("record");
        if (!read || read->empty() || read->size() > base64_size(limits::record)) return wrong("record");
        auto bytes = from_base64(*read);
        if (!bytes) return wrong("record");
        into = std::move(*bytes);
    }

    simdjson::dom::parser parser_;
    simdjson::dom::object top_{};
    std::optional<error> fault_{};
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
