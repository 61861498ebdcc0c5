// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes the grammar of written peers: bounds hold, refusals point into the text, what was read prints and reads back.
#include <peerkit/discovery/peers_text.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace discovery = peerkit::discovery;
namespace limits = peerkit::limits;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

constexpr discovery::peers_text_options options{.default_port = 9000, .max_entries = 48, .max_bytes = 4096};

void check_entry(discovery::peer_entry const& entry) {
    require(static_cast<bool>(entry.there));
    require(entry.there.is_host_name() || discovery::is_unicast(entry.there.address()));
    require(entry.labels.size() <= limits::labels);
    for (std::size_t i = 0; i < entry.labels.size(); ++i) {
        peerkit::label const& one = entry.labels[i];
        require(peerkit::check_name(one.key, limits::label_key, "").has_value());
        require(peerkit::check_text(one.value, limits::label_value, "").has_value());
        for (std::size_t k = 0; k < i; ++k) require(entry.labels[k].key != one.key);
    }
}

void check_refusals(std::string_view text, std::vector<discovery::refused_entry> const& refused) {
    for (std::size_t i = 0; i < refused.size(); ++i) {
        discovery::refused_entry const& r = refused[i];
        require(i == 0 || (refused[i - 1].index < r.index && refused[i - 1].offset < r.offset));
        require(!r.text.empty() && r.text.size() <= 128 && r.offset < text.size());
        require(text.substr(r.offset, r.text.size()) == r.text);
        require(r.text.find('\n') == std::string::npos);
        require(r.line == 1 + static_cast<std::size_t>(std::count(
                                  text.begin(), text.begin() + static_cast<std::ptrdiff_t>(r.offset), '\n')));
        if (!(r.why == peerkit::core_error::too_long)) require(r.offset + r.why.position() <= text.size());
        std::string const told = to_string(r);
        require(told.find('\n') == std::string::npos);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    auto const list = discovery::parse_peers(text, options);
    if (!list) {
        require(size > options.max_bytes || size >= 2);
        require(!(list.error() == discovery::discovery_error::too_large) ||
                list.error().position() > options.max_entries);
        return 0;
    }
    require(list->size() <= options.max_entries && size <= options.max_bytes);
    check_refusals(text, list->refused);

    // Printed one per line, and between commas, the entries read back to the same.
    for (char const* const separator : {"\n", " , "}) {
        std::string again;
        for (auto const& entry : list->entries) again.append(to_string(entry)).append(separator);
        auto const reread =
            discovery::parse_peers(again, {.default_port = 1, .max_entries = 48, .max_bytes = 1U << 20U});
        require(reread.has_value() && reread->refused.empty() && reread->entries == list->entries);
    }
    for (auto const& entry : list->entries) check_entry(entry);

    // A refused entry alone is refused for the same reason; the others are as they are without it.
    for (auto const& r : list->refused) {
        if (r.text.size() == 128) continue;                               // cut
        auto const alone = discovery::parse_peers(" " + r.text, options); // no byte-order mark
        require(alone.has_value() && alone->entries.empty() && alone->refused.size() == 1);
        require(alone->refused.front().why == r.why && alone->refused.front().why.position() == r.why.position());
    }
    return 0;
}
