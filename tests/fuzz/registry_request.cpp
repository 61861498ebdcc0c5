// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes the registry's interface: any request has an answer that clients can read; what is refused changes nothing.
#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/fake.hpp>
#include <peerkit/registry/answer_reader.hpp>
#include <peerkit/registry/api.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace {

namespace registry = peerkit::registry;
using logic_type = registry::registry_logic<peerkit::crypto::fake_identity, peerkit::seeded_rng>;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

registry::registry_options options() {
    registry::registry_options o;
    o.token = "t";
    o.requests = o.writes = {0, 0};
    return o;
}

/// What can be read can be written, and means the same.
void check_round_trips(std::string_view body) {
    static registry::request_reader reader;
    if (auto const said = reader.read_registration(body)) {
        require(said->record.size() <= peerkit::limits::record && said->domain.size() <= registry::max_domain);
        require(said->found_by.size() <= registry::max_found_by &&
                said->registry.size() <= registry::max_registry_text);
        require(said->proof.empty() || said->proof.size() == 64);
        auto const again = reader.read_registration(to_json(*said));
        require(again.has_value());
        require(again->record == said->record && again->domain == said->domain && again->registry == said->registry);
        require(again->found_by == said->found_by && again->name == said->name && again->address == said->address);
        require(again->port == said->port && again->network == said->network && again->proof == said->proof);
        require(again->lease == said->lease);
    }
    if (auto const said = reader.read_heartbeat(body)) {
        auto const again = reader.read_deregistration(to_json(*said));
        require(again && again->id == said->id && again->lease == said->lease);
    }
    if (auto const said = reader.read_heartbeats(body)) {
        require(said->nodes.size() <= registry::max_heartbeats);
        auto const again = reader.read_heartbeats(to_json(*said));
        require(again && *again == *said);
    }
}

} // namespace

/// A byte of options, the target up to the first line feed, then the body.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    static registry::moment const at{peerkit::time_point{std::chrono::seconds{1000}}, 1'790'000'000'000};
    static registry::registry_outbox out;
    static logic_type* const logic = [] {
        auto* const made = new logic_type{options(), peerkit::seeded_rng{1}, at.now};
        require(made->start({}, false, at, out).has_value());
        return made;
    }();
    static registry::registry_api<logic_type> api{*logic};
    static registry::answer_reader reader;
    static registry::answer said;

    std::string_view text{reinterpret_cast<char const*>(data) + 1, size - 1};
    std::size_t const line = text.find('\n');
    std::string_view const target = text.substr(0, line);
    std::string_view const body = line == std::string_view::npos ? std::string_view{} : text.substr(line + 1);
    check_round_trips(body);

    std::vector<registry::header_field> headers;
    if ((data[0] & 2U) != 0) headers = {{"peerkit-replica", "r"}, {"authorization", "Bearer t"}};
    if ((data[0] & 4U) != 0) headers.emplace_back("if-none-match", "*");
    registry::api_request request{.method = (data[0] & 1U) != 0 ? "POST" : "GET",
                                  .target = target,
                                  .headers = headers,
                                  .body = body,
                                  .source = peerkit::ip_address::v4(192, 0, 2, 1)};
    auto const before = logic->state();
    out.clear();
    auto answer = api.handle(request, at, out);
    if (std::holds_alternative<registry::parked_request>(answer)) {
        request.waited = true;
        answer = api.handle(request, at, out);
    }
    require(std::holds_alternative<registry::api_response>(answer)); // a root keeps nobody waiting
    auto const& response = std::get<registry::api_response>(answer);
    if (response.status >= 300) require(logic->state() == before && out.changes.empty());
    if (response.content_type != "application/json" || response.status == 304) return 0;
    require(reader.read(response.body, said).has_value() && said.malformed == 0);
    require(said.error.has_value() == (response.status >= 400));
    if (said.error) require(registry::error_of(said.error->code).has_value());
    require(said.mark.epoch == logic->state().epoch);
    return 0;
}
