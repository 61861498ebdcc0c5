// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Writes the health document.
#include "health.hpp"

#include "json.hpp"
#include "report.hpp"

#include <numeric>

namespace node_program {

using namespace peerkit;

namespace {

void put_member(json_writer& out, net::member_info const& m) {
    out.open('{').key("name").value(m.name).key("id").value(m.id.to_string());
    out.key("state").value(membership::to_string(m.state)).key("self").value(m.is_self);
    out.key("in_state_s").value(std::chrono::duration_cast<std::chrono::seconds>(m.in_state).count());
    out.key("incarnation").value(m.incarnation).key("endpoint").value(m.endpoint.to_string());
    out.key("addresses").open('[');
    for (typed_address const& a : m.about.addresses) {
        out.value(ip_endpoint{a.address, a.port != 0 ? a.port : m.about.gossip_port}.to_string());
    }
    out.close(']').key("api_port").value(m.about.api_port).key("version").value(m.about.version);
    out.key("roles").open('[');
    for (std::string const& role : m.about.roles) out.value(role);
    out.close(']').key("capabilities").open('[');
    for (std::string const& capability : m.about.capabilities) out.value(capability);
    out.close(']').key("labels").open('{');
    for (label const& l : m.about.labels) out.key(l.key).value(l.value);
    out.close('}').key("services").open('[');
    for (service const& s : m.about.services) {
        out.open('{').key("name").value(s.name).key("port").value(s.port).key("info").value(s.info);
        out.key("health").value(to_string(s.health)).key("version").value(s.version).close('}');
    }
    out.close(']').close('}');
}

void put_candidate(json_writer& out, net::candidate_info const& c) {
    out.open('{').key("name").value(c.name).key("sources").value(c.sources.to_string());
    if (c.id) out.key("id").value(c.id.to_string());
    out.key("addresses").open('[');
    for (ip_endpoint const& there : c.addresses) out.value(there.to_string());
    out.close(']').key("last").value(peerkit::node::to_string(c.last));
    if (c.why) out.key("why").value(c.why->message());
    out.close('}');
}

} // namespace

std::string to_json(health const& h) {
    json_writer out;
    out.open('{').key("status").value(h.well ? "ok" : "leaving");
    for (net::member_info const& m : h.members) {
        if (!m.is_self) continue;
        out.key("id").value(m.id.to_string()).key("name").value(m.name).key("incarnation").value(m.incarnation);
    }
    out.key("network").value(h.network).key("open").value(h.open).key("uptime_s").value(h.uptime.count());
    state_counts const counts = count_states(h.members);
    out.key("counts").open('{');
    for (std::size_t i = 0; i < counts.size(); ++i) {
        out.key(membership::to_string(static_cast<membership::member_state>(i))).value(counts[i]);
    }
    auto const& refusals = h.counters.refusals;
    out.close('}').key("refused").value(std::accumulate(refusals.begin(), refusals.end(), h.counters.malformed));
    out.key("members").open('[');
    for (net::member_info const& m : h.members) put_member(out, m);
    out.close(']').key("candidates").open('[');
    for (net::candidate_info const& c : h.candidates) put_candidate(out, c);
    return std::move(out.close(']').close('}')).text();
}

} // namespace node_program
