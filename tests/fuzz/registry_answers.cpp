// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes the reader of a registry's answers: what it takes is within bounds and survives being written again.
#include <peerkit/core/json_writer.hpp>
#include <peerkit/registry/answer_reader.hpp>
#include <peerkit/registry/answer_writer.hpp>
#include <peerkit/registry/root_exchange.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace registry = peerkit::registry;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

bool plain(std::string_view text, std::size_t most) { return peerkit::check_text(text, most, "").has_value(); }

void check(registry::answer const& said, std::size_t size) {
    require(said.malformed == 0 || said.first_malformed.has_value());
    require(!said.first_malformed || said.first_malformed->position() < size);
    require(said.heartbeat_interval_s >= 1 && said.heartbeat_interval_s <= 3600);
    require(said.challenge.size() <= peerkit::crypto::largest_challenge && plain(said.status, 31));
    for (auto const& node : said.nodes) {
        require(node.record.size() <= peerkit::limits::record && (node.id || !node.record.empty()));
        require(plain(node.name, peerkit::limits::name) && plain(node.domain, registry::max_domain));
        require(plain(node.registry, registry::max_registry_text) && plain(node.found_by, registry::max_found_by));
        require(node.reputation <= 100 && node.standing <= registry::node_row::best_standing);
        require(node.first_seen_ms >= 0 && node.last_heartbeat_ms >= 0 && node.uptime_ms >= 0);
    }
    for (auto const& gone : said.removed) require(gone.id && plain(gone.name, peerkit::limits::name));
}

/// A page that is taken over by a replica is the same after another registry has told it.
void check_page(registry::answer const& said) {
    auto const page = said.to_page();
    require(page.has_value() == (said.malformed == 0));
    if (!page) return;
    peerkit::json_writer out;
    registry::write_mark(out.open('{'), said.mark).field("to", page->to).key("nodes").open('[');
    std::size_t written = 0;
    for (auto const& row : page->rows) {
        if (!peerkit::wire::record_view::peek(row.record)) continue; // no row a registry would hold
        registry::write_row(out, row, registry::row_form::replica);
        ++written;
    }
    out.close(']').key("removed").open('[');
    for (auto const& gone : page->removed) registry::write_removal(out, gone);
    out.close(']').close('}');
    registry::answer_reader reader;
    registry::answer again;
    std::string const text = std::move(out).text();
    require(reader.read(text, again).has_value() && again.malformed == 0);
    require(again.nodes.size() == written && again.removed == page->removed && again.mark.version == said.mark.version);
    std::size_t i = 0;
    for (auto const& row : page->rows) {
        if (peerkit::wire::record_view::peek(row.record)) require(again.nodes[i++].to_row() == row);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static registry::answer_reader reader;
    static registry::answer said;
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    if (auto const done = reader.read(text, said); !done) {
        require(done.error().position() <= size && said.nodes.empty() && said.removed.empty());
        return 0;
    }
    check(said, size);
    check_page(said);

    // The same bytes in memory of exactly their size and the padding give the same.
    std::vector<char> padded(size + simdjson::SIMDJSON_PADDING);
    if (size != 0) std::memcpy(padded.data(), data, size);
    registry::answer_reader fresh;
    registry::answer again;
    require(fresh.read_padded(simdjson::padded_string_view{padded.data(), size, padded.size()}, again).has_value());
    require(again.nodes.size() == said.nodes.size() && again.malformed == said.malformed && again.mark == said.mark);
    for (std::size_t i = 0; i < said.nodes.size(); ++i) require(again.nodes[i].to_row() == said.nodes[i].to_row());

    static registry::root_exchange root{registry::registry_options{}};
    peerkit::discovery::http_reply const reply{200, std::string{text}, {}};
    if (auto const written = root.read_write(reply)) require(static_cast<bool>(written->lease) || !written->queued);
    static_cast<void>(root.read_page(reply));
    static_cast<void>(root.read_beats(reply));
    return 0;
}
