// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes expressions over labels: refusals point into the text, and what was read decides alike however it is spaced.
#include <peerkit/core/label_filter.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

void require(bool holds) {
    if (!holds) __builtin_trap();
}

peerkit::description const& sample() {
    static peerkit::description const made{
        .name = "n", .labels = {{"a", ""}, {"b", "1"}, {"zone", "a,b|c \"d\" \\"}, {"tier", "free"}}};
    return made;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    auto const filter = peerkit::label_filter::parse(text);
    if (!filter) {
        require(filter.error().domain() == "core");
        require(filter.error().position() <= size);
        require(!filter.error().field().empty());
        return 0;
    }
    bool const fits = filter->matches(sample());
    require(!filter->empty() || fits);
    auto const spaced = peerkit::label_filter::parse("  " + std::string{text} + "  ");
    require(spaced.has_value() && spaced->matches(sample()) == fits);
    // Another term that holds changes nothing, one that does not hold decides.
    if (filter->empty()) return 0;
    auto const more = peerkit::label_filter::parse(std::string{text} + ",tier=free");
    auto const less = peerkit::label_filter::parse(std::string{text} + ",!tier");
    if (!more || !less) return 0; // too many terms
    require(more->matches(sample()) == fits);
    require(!less->matches(sample()));
    return 0;
}
