// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes the status parser: what it takes is accounted for and usable, what it refuses leaves nothing behind.
#include <peerkit/discovery/tailscale_status.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace discovery = peerkit::discovery;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

discovery::tailscale_filter filter_for(std::uint8_t options) {
    discovery::tailscale_filter filter;
    if ((options & 1U) != 0) filter.names = *discovery::name_pattern::parse("tw_node*");
    if ((options & 2U) != 0) filter.required_tag = "tag:peerkit";
    filter.family = static_cast<discovery::address_preference>(options >> 2U & 3U);
    filter.offline = static_cast<discovery::offline_peers>((options >> 4U & 3U) % 3U);
    filter.include_shared = (options & 64U) != 0;
    filter.include_expired = (options & 128U) != 0;
    filter.max_depth = 12;
    filter.max_candidates = 5;
    return filter;
}

void check(discovery::tailscale_status const& status, discovery::tailscale_filter const& filter) {
    std::size_t sum = status.candidates.size();
    for (std::uint32_t const count : status.dropped) sum += count;
    require(sum == status.peers);
    require(status.candidates.size() <= filter.max_candidates);
    require(status.first_malformed.has_value() == (status.dropped_for(discovery::peer_drop::malformed) != 0));
    bool offline = false;
    for (discovery::candidate const& c : status.candidates) {
        require(!c.addresses.empty());
        for (auto const& there : c.addresses) {
            require(there.port == filter.port && discovery::is_remote(there.address));
            require(!status.self || !status.self->addresses.contains(there.address));
            if (filter.family == discovery::address_preference::v4_only)
                require(there.address.family() == peerkit::ip_family::v4);
            if (filter.family == discovery::address_preference::v6_only)
                require(there.address.family() == peerkit::ip_family::v6);
        }
        bool const away = c.state == discovery::presence::offline;
        require(away || !offline);
        offline = offline || away;
    }
    for (std::size_t i = 0; i < status.candidates.size(); ++i) {
        for (std::size_t k = 0; k < i; ++k) {
            for (auto const& there : status.candidates[i].addresses)
                require(!status.candidates[k].addresses.contains(there));
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    // The first byte chooses the filter; the parser is used again and again, as in a node.
    static discovery::tailscale_status_parser parser;
    static discovery::tailscale_status status;
    discovery::tailscale_filter const filter = filter_for(data[0]);
    std::string_view const document{reinterpret_cast<char const*>(data) + 1, size - 1};

    if (auto const done = parser.parse(document, filter, status); !done) {
        require(done.error().position() <= document.size());
        require(status.candidates.empty() && status.peers == 0 && !status.self && !done.error().message().empty());
        return 0;
    }
    check(status, filter);
    // The same bytes without the copy, in memory of exactly their size and the padding, give the same.
    std::vector<char> padded(document.size() + simdjson::SIMDJSON_PADDING);
    std::memcpy(padded.data(), document.data(), document.size());
    discovery::tailscale_status_parser fresh;
    discovery::tailscale_status again;
    require(
        fresh.parse_padded(simdjson::padded_string_view{padded.data(), document.size(), padded.size()}, filter, again)
            .has_value());
    require(again.candidates == status.candidates && again.dropped == status.dropped && again.self == status.self);
    return 0;
}
