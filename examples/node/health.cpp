// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Writes the health document.
#include "health.hpp"

#include "report.hpp"

#include <numeric>
#include <peerkit/core/json_writer.hpp>

namespace node_program {

using namespace peerkit;

namespace {

std::int64_t milliseconds(duration span) { return std::chrono::duration_cast<std::chrono::milliseconds>(span).count(); }
std::int64_t microseconds(duration span) { return std::chrono::duration_cast<std::chrono::microseconds>(span).count(); }

void put_member(json_writer& out, net::member_info const& m) {
    out.open('{').key("name").value(m.name).key("id").value(m.id.to_string());
    out.key("state").value(membership::to_string(m.state)).key("self").value(m.is_self);
    out.key("in_state_s").value(std::chrono::duration_cast<std::chrono::seconds>(m.in_state).count());
    out.key("incarnation").value(m.incarnation).key("endpoint").value(m.endpoint.to_string());
    if (m.round_trip) out.key("round_trip_us").value(microseconds(*m.round_trip));
    if (m.heard_since) out.key("heard_since_ms").value(milliseconds(*m.heard_since));
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
    out.key("memory").open('{').key("store").value(h.memory.store).key("recalled").value(h.memory.recalled);
    out.key("left_out").value(h.memory.left_out).key("saves").value(h.memory.saves);
    if (h.memory.trouble) out.key("trouble").value(h.memory.trouble->message());
    out.close('}').key("members").open('[');
    for (net::member_info const& m : h.members) put_member(out, m);
    out.close(']').key("candidates").open('[');
    for (net::candidate_info const& c : h.candidates) put_candidate(out, c);
    return std::move(out.close(']').close('}')).text();
}

std::string to_json(std::vector<net::member_info> const& members) {
    json_writer out;
    out.open('{').key("members").open('[');
    for (net::member_info const& m : members) put_member(out, m);
    return std::move(out.close(']').close('}')).text();
}

std::string to_json(gossip::explanation const& why) {
    json_writer out;
    out.open('{').key("id").value(why.id.to_string()).key("name").value(why.name);
    out.key("state").value(membership::to_string(why.state)).key("in_state_ms").value(milliseconds(why.in_state));
    out.key("incarnation").value(why.incarnation).key("accusers").open('[');
    for (auto const& accuser : why.accusers)
        out.open('{').key("id").value(to_string(accuser.id)).key("name").value(accuser.name).close('}');
    out.close(']');
    if (why.left_to_refute) out.key("left_to_refute_ms").value(milliseconds(*why.left_to_refute));
    if (why.last_heard) out.key("last_heard_ms").value(milliseconds(*why.last_heard));
    if (why.round_trip) out.key("round_trip_us").value(microseconds(why.round_trip->smoothed));
    out.key("ways").open('[');
    for (auto const& way : why.ways)
        out.open('{').key("endpoint").value(way.where.to_string()).key("proven").value(way.proven).close('}');
    out.close(']').key("changes").open('[');
    for (auto const& change : why.changes) {
        out.open('{').key("ago_ms").value(milliseconds(change.ago)).key("what").value(gossip::to_string(change.kind));
        out.key("why").value(gossip::to_string(change.why)).key("by").value(to_string(change.by.id)).close('}');
    }
    return std::move(out.close(']').key("text").value(gossip::to_text(why)).close('}')).text();
}

std::string to_json(std::vector<net::entry_info> const& entries) {
    json_writer out;
    out.open('{').key("entries").open('[');
    for (net::entry_info const& e : entries) {
        out.open('{').key("member").value(e.owner.to_string()).key("key").value(e.key).key("value").value(e.text());
        out.key("version").value(e.version).close('}');
    }
    return std::move(out.close(']').close('}')).text();
}

std::string error_document(std::string const& what) {
    json_writer out;
    return std::move(out.open('{').key("error").value(what).close('}')).text();
}

} // namespace node_program
