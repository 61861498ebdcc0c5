// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Reads the parameters of GET /members.
#include "member_choice.hpp"

#include <peerkit/core/label_filter.hpp>

#include <charconv>
#include <system_error>
#include <utility>

namespace node_program {

using namespace peerkit;

tl::expected<member_choice, std::string> member_choice::of(std::multimap<std::string, std::string> const& parameters) {
    member_choice made;
    for (auto const& [key, value] : parameters) {
        if (key == "filter") {
            auto parsed = label_filter::parse(value);
            if (!parsed) return tl::unexpected{"filter: " + parsed.error().message()};
            made.query.labels = std::move(*parsed);
        } else if (key == "name") {
            made.query.name = value;
        } else if (key == "role") {
            made.query.role = value;
        } else if (key == "capability") {
            made.query.capability = value;
        } else if (key == "service") {
            made.query.service = value;
        } else if (key == "passing") {
            made.query.passing = value != "0";
        } else if (key == "departed") {
            made.query.departed = value != "0";
        } else if (key == "nearest") {
            auto const [end, ec] = std::from_chars(value.data(), value.data() + value.size(), made.nearest);
            if (ec != std::errc{} || end != value.data() + value.size() || made.nearest == 0)
                return tl::unexpected{"nearest: '" + value + "' is not a number above 0"};
        } else if (key == "explain") {
            auto const id = node_id::parse(value);
            if (!id || !*id) return tl::unexpected{"explain: '" + value + "' is not a node id"};
            made.explain = *id;
        } else {
            return tl::unexpected{"there is no parameter '" + key + "'"};
        }
    }
    return made;
}

} // namespace node_program
