// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Small changes to a description, each checked where it is made.
#ifndef PEERKIT_CORE_DESCRIPTION_EDIT_HPP
#define PEERKIT_CORE_DESCRIPTION_EDIT_HPP

#include <peerkit/core/description.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace detail {

/// The entry of that name; the position behind the last if there is none.
template <typename Entry>
[[nodiscard]] std::size_t index_named(std::vector<Entry> const& in, std::string Entry::* name,
                                      std::string_view wanted) noexcept {
    std::size_t i = 0;
    while (i < in.size() && in[i].*name != wanted) ++i;
    return i;
}
template <typename Entry>
[[nodiscard]] result<void> erase_named(std::vector<Entry>& from, std::string Entry::* name, std::string_view wanted,
                                       char const* field) {
    std::size_t const at = index_named(from, name, wanted);
    if (at == from.size()) return fail(core_error::not_found, 0, field);
    from.erase(from.begin() + static_cast<std::ptrdiff_t>(at));
    return {};
}
/// Adds a name to a set of names.
[[nodiscard]] inline result<void> add_name(std::vector<std::string>& to, std::string_view name, std::size_t longest,
                                           std::size_t most, char const* one, char const* list) {
    if (auto ok = check_name(name, longest, one); !ok) return ok;
    if (std::find(to.begin(), to.end(), name) != to.end()) return {};
    if (to.size() >= most) return fail(core_error::too_long, to.size() + 1, list);
    to.emplace_back(name);
    return {};
}
[[nodiscard]] inline result<void> remove_name(std::vector<std::string>& from, std::string_view name,
                                              char const* field) {
    auto const found = std::find(from.begin(), from.end(), name);
    if (found == from.end()) return fail(core_error::not_found, 0, field);
    from.erase(found);
    return {};
}

} // namespace detail

// What these change is announced with `update` of the engine or node. On an error nothing has changed. Errors: those of
// `check_name` and `check_text` for what is added; `too_long` for a list that is full, with the size it would have;
// `not_found` for what is to be changed or taken away and is not there. The field names the part.
//
// @code
// description self = node.self();
// if (auto ok = set_label(self, "zone", "b"); !ok) return ok;
// return node.update(std::move(self));
// @endcode

/// Gives a label a value, whether it was there or not.
[[nodiscard]] inline result<void> set_label(description& d, std::string_view key, std::string_view value) {
    if (auto ok = check_name(key, limits::label_key, "label key"); !ok) return ok;
    if (auto ok = check_text(value, limits::label_value, "label value"); !ok) return ok;
    std::size_t const at = detail::index_named(d.labels, &label::key, key);
    if (at < d.labels.size()) {
        d.labels[at].value = value;
        return {};
    }
    if (d.labels.size() >= limits::labels) return fail(core_error::too_long, d.labels.size() + 1, "labels");
    d.labels.push_back({std::string{key}, std::string{value}});
    return {};
}
[[nodiscard]] inline result<void> erase_label(description& d, std::string_view key) {
    return detail::erase_named(d.labels, &label::key, key, "label key");
}

/// Adding what is there already changes nothing.
[[nodiscard]] inline result<void> add_role(description& d, std::string_view role) {
    return detail::add_name(d.roles, role, limits::role, limits::roles, "role", "roles");
}
[[nodiscard]] inline result<void> erase_role(description& d, std::string_view role) {
    return detail::remove_name(d.roles, role, "role");
}
[[nodiscard]] inline result<void> add_capability(description& d, std::string_view capability) {
    return detail::add_name(d.capabilities, capability, limits::capability, limits::capabilities, "capability",
                            "capabilities");
}
[[nodiscard]] inline result<void> erase_capability(description& d, std::string_view capability) {
    return detail::remove_name(d.capabilities, capability, "capability");
}

/// Adds a service, or puts the entry in place of the one of that name.
[[nodiscard]] inline result<void> upsert_service(description& d, service entry) {
    if (auto ok = check_name(entry.name, limits::service_name, "service name"); !ok) return ok;
    if (auto ok = check_text(entry.info, limits::service_info, "service info"); !ok) return ok;
    std::size_t const at = detail::index_named(d.services, &service::name, entry.name);
    if (at < d.services.size()) {
        d.services[at] = std::move(entry);
        return {};
    }
    if (d.services.size() >= limits::services) return fail(core_error::too_long, d.services.size() + 1, "services");
    d.services.push_back(std::move(entry));
    return {};
}
[[nodiscard]] inline result<void> erase_service(description& d, std::string_view name) {
    return detail::erase_named(d.services, &service::name, name, "service name");
}
[[nodiscard]] inline result<void> set_service_health(description& d, std::string_view name, service_health health) {
    std::size_t const at = detail::index_named(d.services, &service::name, name);
    if (at == d.services.size()) return fail(core_error::not_found, 0, "service name");
    d.services[at].health = health;
    return {};
}
[[nodiscard]] inline result<void> set_service_info(description& d, std::string_view name, std::string_view info) {
    if (auto ok = check_text(info, limits::service_info, "service info"); !ok) return ok;
    std::size_t const at = detail::index_named(d.services, &service::name, name);
    if (at == d.services.size()) return fail(core_error::not_found, 0, "service name");
    d.services[at].info = info;
    return {};
}

PEERKIT_END_NAMESPACE

#endif
