// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What the parameters of the registry's routes ask for.
#ifndef PEERKIT_REGISTRY_API_QUERY_HPP
#define PEERKIT_REGISTRY_API_QUERY_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/label_filter.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/registry/answer_writer.hpp>
#include <peerkit/registry/change.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/http_message.hpp>
#include <peerkit/registry/node_query.hpp>
#include <peerkit/registry/node_row.hpp>
#include <peerkit/registry/registration_check.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// GET /api/nodes
struct list_request {
    node_query nodes{};
    row_form form = row_form::full;
    duration wait{}; ///< for a change, if `version` (or the ETag given) is still that of now
    std::optional<std::uint64_t> version{};
    std::optional<std::uint64_t> epoch{};
};
/// GET /api/changes, GET /api/snapshot
struct change_request {
    change_cursor cursor{};
    duration wait{};
};

namespace detail {

/// Reads parameters; the first that is wrong is kept.
class parameter_reader {
public:
    explicit parameter_reader(request_target const& target) noexcept : target_{&target} {}

    /// Refuses what none of the names is: who misspells a filter shall not get everything.
    template <std::size_t Size>
    void only(std::array<char const*, Size> const& names) noexcept {
        for (auto const& [name, value] : target_->parameters()) {
            bool known = false;
            for (char const* const each : names) known = known || name == each;
            if (!known) wrong("query");
        }
    }
    [[nodiscard]] std::optional<std::string_view> text(char const* name, std::size_t most) noexcept {
        auto const value = target_->find(name);
        if (value && value->size() > most) {
            wrong(name);
            return std::nullopt;
        }
        return value;
    }
    [[nodiscard]] std::optional<std::uint64_t> number(char const* name) noexcept {
        auto const value = target_->find(name);
        if (!value) return std::nullopt;
        std::uint64_t read = 0;
        char const* const end = value->data() + value->size();
        auto const [stopped, code] = std::from_chars(value->data(), end, read);
        if (code != std::errc{} || stopped != end || value->empty()) {
            wrong(name);
            return std::nullopt;
        }
        return read;
    }
    [[nodiscard]] std::optional<std::uint64_t> hex_number(char const* name) noexcept {
        auto const value = target_->find(name);
        if (!value) return std::nullopt;
        std::array<std::byte, 8> bytes{};
        if (!from_hex(*value, bytes)) wrong(name);
        return load_big<std::uint64_t>(bytes.data());
    }
    /// Seconds; what is more than an hour is an hour.
    [[nodiscard]] duration wait() noexcept {
        return std::chrono::seconds{
            static_cast<std::int64_t>(std::min<std::uint64_t>(number("wait").value_or(0), 3600))};
    }
    void wrong(char const* name) noexcept {
        if (!fault_) fault_ = error{registry_error::bad_query, 0, name};
    }
    [[nodiscard]] std::optional<error> const& fault() const noexcept { return fault_; }

private:
    request_target const* target_;
    std::optional<error> fault_{};
};

} // namespace detail

/// @par Errors `bad_query`, its field the parameter; "query" for one that does not exist.
[[nodiscard]] inline result<list_request> read_list_query(request_target const& target) {
    constexpr std::array names{"domain", "role",   "label", "status", "found_by", "name",
                               "limit",  "cursor", "form",  "wait",   "version",  "epoch"};
    detail::parameter_reader from{target};
    from.only(names);
    list_request made;
    if (auto const domain = from.text("domain", max_domain + 1)) made.nodes.domain = detail::folded_domain(*domain);
    if (auto const role = from.text("role", limits::role)) made.nodes.role = *role;
    if (auto const label = from.text("label", request_target::max_size)) {
        auto filter = label_filter::parse(*label);
        if (filter) {
            made.nodes.labels = std::move(*filter);
        } else {
            from.wrong("label");
        }
    }
    if (auto const status = from.text("status", 15)) {
        made.nodes.status = parse_status(*status);
        if (!made.nodes.status && *status != "any") from.wrong("status");
    }
    if (auto const found_by = from.text("found_by", max_found_by)) made.nodes.found_by = *found_by;
    if (auto const name = from.text("name", limits::name)) made.nodes.name_prefix = *name;
    if (auto const limit = from.number("limit")) {
        if (*limit == 0 || *limit > node_query::max_limit) from.wrong("limit");
        made.nodes.limit = static_cast<std::size_t>(*limit);
    }
    if (auto const cursor = from.text("cursor", 2 * node_id::size)) {
        auto const after = node_id::parse(*cursor);
        if (!after) from.wrong("cursor");
        if (after) made.nodes.after = *after;
    }
    if (auto const form = from.text("form", 15)) {
        if (*form != "full" && *form != "compact") from.wrong("form");
        if (*form == "compact") made.form = row_form::compact;
    }
    made.wait = from.wait();
    made.version = from.number("version");
    made.epoch = from.hex_number("epoch");
    if (from.fault()) return fail(*from.fault());
    return made;
}

/// @param everything  the request is for a snapshot, of which all parameters may be missing; else `since` and `epoch`
/// are needed
/// @par Errors as `read_list_query`.
[[nodiscard]] inline result<change_request> read_change_query(request_target const& target, bool everything) {
    detail::parameter_reader from{target};
    from.only(std::array{"since", "epoch", "base", "wait"});
    change_request made;
    auto const since = from.number("since"), epoch = from.hex_number("epoch"), base = from.number("base");
    if (!everything && !since) from.wrong("since");
    if (!everything && !epoch) from.wrong("epoch");
    made.cursor = {epoch.value_or(0), since.value_or(0), base.value_or(everything ? 0 : since.value_or(0))};
    made.wait = from.wait();
    if (from.fault()) return fail(*from.fault());
    return made;
}

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
