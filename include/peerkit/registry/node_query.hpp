// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Which nodes somebody wants to see, and a page of them.
#ifndef PEERKIT_REGISTRY_NODE_QUERY_HPP
#define PEERKIT_REGISTRY_NODE_QUERY_HPP

#include <peerkit/core/label_filter.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/node_row.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Filters and a page. All filters must hold; what is empty or not set does not filter.
struct node_query {
    static constexpr std::size_t max_limit = 10'000;

    std::optional<std::string> domain{}; ///< exactly this one, lower case
    std::string role{};
    label_filter labels{};
    std::optional<node_status> status{};
    std::string found_by{}; ///< one of the parts between '+' of what the node says: "mdns" fits "dns+mdns"
    std::string name_prefix{};
    std::size_t limit = 1'000;      ///< rows of a page, at most `max_limit`
    std::optional<node_id> after{}; ///< the page behind that node, which need not exist any more

    [[nodiscard]] bool matches(node_row const& row) const noexcept {
        if (status && row.status != *status) return false;
        if (domain && row.domain != *domain) return false;
        if (!found_by.empty() && !has_part(row.found_by, found_by)) return false;
        wire::record_view const record = row.view();
        if (!record.name().starts_with(name_prefix)) return false;
        return (role.empty() || record.has_role(role)) && labels.matches(record);
    }

private:
    [[nodiscard]] static bool has_part(std::string_view whole, std::string_view part) noexcept {
        for (;;) {
            std::size_t const end = whole.find('+');
            if (whole.substr(0, end) == part) return true;
            if (end == std::string_view::npos) return false;
            whole.remove_prefix(end + 1);
        }
    }
};

/// A page of nodes, ascending by id. Valid until the registry changes.
struct node_listing {
    std::vector<node_row const*> rows{};
    std::optional<node_id> next{}; ///< `after` of the next page; none: this was the last
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
