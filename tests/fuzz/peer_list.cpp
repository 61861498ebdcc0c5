// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes the static list: every entry of the text is a candidate, a lookup or a refusal, and printing reads back.
#include <peerkit/discovery/static_list.hpp>

#include <peerkit/discovery/name_pattern.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace {

namespace discovery = peerkit::discovery;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(data), size};

    std::vector<discovery::refused_entry> refused;
    auto list = discovery::static_list::parse(text, {}, &refused);
    for (discovery::refused_entry const& r : refused) require(text.substr(r.offset, r.text.size()) == r.text);
    if (!list) {
        bool const bad_entry = list.error() == discovery::discovery_error::bad_entry;
        require(bad_entry != refused.empty());
        require(!bad_entry || refused.front().index == list.error().position());
        return 0;
    }
    require(refused.empty());

    discovery::step next = list->begin(peerkit::time_point{});
    std::string again;
    std::vector<discovery::ticket> under_way;
    for (auto const& wanted : next.requests()) {
        require(!std::get<discovery::resolve_name>(wanted.what).host.empty());
        under_way.push_back(wanted.id);
    }
    std::size_t const lookups = under_way.size();
    while (!under_way.empty()) { // the last one first
        require(!next.ended());
        next = list->resume(under_way.back(), discovery::resolved{{peerkit::ip_address::v4(192, 0, 2, 1)}, {}},
                            peerkit::time_point{});
        under_way.pop_back();
    }
    require(next.ended() && next.answer().has_value());
    require(next.answer()->size() == list->size() && lookups <= list->size());
    for (discovery::candidate const& c : *next.answer()) {
        require(c.addresses.size() == 1 && c.addresses.front().port != 0);
        again.append(c.addresses.front().to_string()).append(" ");
    }
    require(discovery::static_list::parse(again).has_value());

    // The same text as a pattern is refused or matches itself, its wildcards read as letters.
    if (auto const pattern = discovery::name_pattern::parse(text)) {
        std::string label{text};
        for (char& c : label) c = c == '*' || c == '?' ? 'x' : c;
        require(pattern->matches(label));
    }
    return 0;
}
