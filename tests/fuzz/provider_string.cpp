// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes strategies written as text: bounded, places lie in the text, printing reads back, and what is made runs.
#include <peerkit/discovery/make_strategy.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

namespace discovery = peerkit::discovery;
using discovery::provider_limits;
using discovery::provider_text;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

/// @returns how many strategies there are.
std::size_t check_tree(provider_text const& strategy, std::string_view text, std::size_t depth) {
    require(depth <= provider_limits::depth && !strategy.name.empty());
    require(text.substr(strategy.offset, strategy.name.size()) == strategy.name);
    require(strategy.options.size() <= provider_limits::options && strategy.parts.size() <= provider_limits::parts);
    for (auto const& one : strategy.options) {
        require(!one.key.empty() && one.key != "provider");
        require(text.substr(one.offset, one.key.size() + 1) == one.key + "=");
        require(one.offset + one.key.size() < one.value_offset && one.value_offset + one.value.size() <= text.size());
    }
    std::size_t count = 1;
    for (provider_text const& part : strategy.parts) {
        require(part.offset > strategy.offset);
        count += check_tree(part, text, depth + 1);
    }
    return count;
}

/// An error names something, and its position is an offset in the text.
void check_error(peerkit::error const& why, std::string_view text) {
    require(!why.field().empty());
    require(why.position() <= text.size());
    require(!discovery::point_at(text, why).empty());
}

/// The strategy can be begun and has something to say.
void begin(discovery::any_strategy& made) {
    discovery::step const first = made.begin(peerkit::time_point{});
    require(first.ended() != !first.requests().empty());
    if (!first.ended()) {
        // Answers that break every rule break the run at most.
        static_cast<void>(made.resume(first.requests().front().id, discovery::elapsed{}, peerkit::time_point{}));
        static_cast<void>(made.resume(0xffffffffU, discovery::resolved{}, peerkit::time_point{}));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    static discovery::provider_table const providers = discovery::standard_providers();
    std::string_view const text{reinterpret_cast<char const*>(data), size};

    auto const strategy = discovery::parse_provider(text);
    auto made = providers.make(text, {.seed = size});
    if (!strategy) {
        check_error(strategy.error(), text);
        require(!made && made.error() == strategy.error() && made.error().position() == strategy.error().position());
        return 0;
    }
    require(check_tree(*strategy, text, 1) <= provider_limits::strategies);

    std::string const printed = to_string(*strategy);
    auto const again = discovery::parse_provider(printed);
    require(again.has_value() && to_string(*again) == printed);
    check_tree(*again, printed, 1);

    // The short form means the same.
    auto twin = providers.make(printed, {.seed = size});
    require(made.has_value() == twin.has_value());
    if (!made) {
        check_error(made.error(), text);
        require(made.error() == twin.error() && made.error().field() == twin.error().field());
        return 0;
    }
    require(providers.check(*strategy).has_value() && made->name() == twin->name());
    begin(*made);
    begin(*twin);
    return 0;
}
