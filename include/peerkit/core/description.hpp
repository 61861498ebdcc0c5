// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a node says of itself: name, roles, capabilities, labels, services, addresses. The host's side of a record.
#ifndef PEERKIT_CORE_DESCRIPTION_HPP
#define PEERKIT_CORE_DESCRIPTION_HPP

#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/detail/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

/// Names (of nodes, roles, capabilities, label keys, services) are letters, digits, '-', '_', '.', '/' and ':', not
/// empty.
/// @par Errors `empty`, `too_long` (position: the length), `bad_character` (position: its offset).
[[nodiscard]] constexpr result<void> check_name(std::string_view text, std::size_t limit, char const* field) noexcept {
    if (text.empty()) return fail(core_error::empty, 0, field);
    if (text.size() > limit) return fail(core_error::too_long, text.size(), field);
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        bool const fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                          c == '_' || c == '.' || c == '/' || c == ':';
        if (!fine) return fail(core_error::bad_character, i, field);
    }
    return {};
}

/// Free text (label values, service info, versions): any bytes but control characters; may be empty.
/// @par Errors `too_long` (position: the length), `bad_character` (position: its offset).
[[nodiscard]] constexpr result<void> check_text(std::string_view text, std::size_t limit, char const* field) noexcept {
    if (text.size() > limit) return fail(core_error::too_long, text.size(), field);
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const c = static_cast<unsigned char>(text[i]);
        if (c < 0x20 || c == 0x7f) return fail(core_error::bad_character, i, field);
    }
    return {};
}

/// A key and a value that a node attaches to itself: metadata, for filtering.
struct label {
    std::string key{};
    std::string value{};
    [[nodiscard]] friend bool operator==(label const&, label const&) noexcept = default;
};

/// How well a service does, as the node that offers it says.
enum class service_health : std::uint8_t {
    unknown = 0,  ///< nobody looked
    passing = 1,  ///< it works
    warning = 2,  ///< it works, but not as it should
    critical = 3, ///< it cannot be used
};

[[nodiscard]] constexpr std::string_view to_string(service_health health) noexcept {
    switch (health) {
    case service_health::unknown: break;
    case service_health::passing: return "passing";
    case service_health::warning: return "warning";
    case service_health::critical: return "critical";
    }
    return "unknown";
}

/// Something a node offers: a name, the port it is served on (0: none), free text, and how well it does.
struct service {
    std::string name{};
    std::uint16_t port = 0;
    std::string info{};
    service_health health = service_health::unknown;
    /// Set by the node that announces it (`service_versions`): grows whenever the entry changes, over restarts too.
    /// What a host writes here is not looked at.
    std::uint32_t version = 0;
    [[nodiscard]] friend bool operator==(service const&, service const&) noexcept = default;
};

/// How an advertised address is meant to be used; receivers prefer by it.
enum class address_kind : std::uint8_t {
    unspecified = 0, ///< not said
    local = 1,       ///< private or same-subnet address
    overlay = 2,     ///< address of a VPN such as a tailnet
    global = 3,      ///< public address
    observed = 4,    ///< as seen by others, behind address translation
};

/// One address a node can be reached at. Port 0 means the node's gossip port.
struct typed_address {
    ip_address address{};
    std::uint16_t port = 0;
    address_kind kind = address_kind::unspecified;
    [[nodiscard]] friend bool operator==(typed_address const&, typed_address const&) noexcept = default;
};

/// What a node says of itself. Every member has a default, so that an initialiser names only what it sets.
/// `gossip::engine` turns it into a signed announcement record; the record must fit
/// `limits::record`, which is checked where the description is set.
///
/// @code
/// peerkit::description me{.name = "db1", .roles = {"worker"}, .labels = {{"zone", "a"}}};
/// me.capabilities = {"gpu", "ssd"};
/// me.services.push_back({"sql", 5432, ""});
/// @endcode
struct description {
    std::string name{}; ///< not unique; a label for people
    std::uint16_t gossip_port = default_gossip_port;
    std::uint16_t api_port = 0;              ///< port of the host's own API; 0: none
    std::string version{};                   ///< version of the host program
    std::vector<typed_address> addresses{};  ///< in order of preference
    std::vector<std::string> roles{};        ///< what the node is there for
    std::vector<std::string> capabilities{}; ///< what the node can do
    std::vector<label> labels{};
    std::vector<service> services{};
    /// The node takes compressed packets. Set by the node that announces it; what a host writes here is not looked at.
    bool takes_compressed = false;

    [[nodiscard]] friend bool operator==(description const&, description const&) noexcept = default;

    /// The value of a label, or none.
    [[nodiscard]] std::optional<std::string_view> label_value(std::string_view key) const noexcept {
        for (auto const& l : labels) {
            if (l.key == key) return std::string_view{l.value};
        }
        return std::nullopt;
    }
    [[nodiscard]] bool has_role(std::string_view role) const noexcept {
        return std::find(roles.begin(), roles.end(), role) != roles.end();
    }
    [[nodiscard]] bool has_capability(std::string_view capability) const noexcept {
        return std::find(capabilities.begin(), capabilities.end(), capability) != capabilities.end();
    }
    /// The service of that name, or null. Valid until the services are changed.
    [[nodiscard]] service const* find_service(std::string_view service_name) const noexcept {
        for (auto const& s : services) {
            if (s.name == service_name) return &s;
        }
        return nullptr;
    }
};

/// Sorts roles, capabilities, labels and services into canonical order and checks every bound. On error they are sorted
/// all the same, and nothing else has changed.
/// @par Errors the first violation, its field named ("label key", ...), position as in `check_name`;
/// `too_long` for a list with its size; `bad_address` and `duplicate_key` with the index of the entry (of the
/// second one, after sorting); `bad_port` for a gossip port of 0.
[[nodiscard]] inline result<void> normalize(description& d) {
    std::sort(d.roles.begin(), d.roles.end());
    std::sort(d.capabilities.begin(), d.capabilities.end());
    std::sort(d.labels.begin(), d.labels.end(), [](label const& a, label const& b) { return a.key < b.key; });
    std::sort(d.services.begin(), d.services.end(), [](service const& a, service const& b) { return a.name < b.name; });

    if (auto ok = check_name(d.name, limits::name, "name"); !ok) return ok;
    if (auto ok = check_text(d.version, limits::version_text, "version"); !ok) return ok;
    if (d.gossip_port == 0) return fail(core_error::bad_port, 0, "gossip port");
    if (d.addresses.size() > limits::addresses) return fail(core_error::too_long, d.addresses.size(), "addresses");
    for (std::size_t i = 0; i < d.addresses.size(); ++i) {
        if (!d.addresses[i].address) return fail(core_error::bad_address, i, "addresses");
    }
    auto const check_names = [](std::vector<std::string> const& names, std::size_t most, std::size_t longest,
                                char const* list, char const* one) -> result<void> {
        if (names.size() > most) return fail(core_error::too_long, names.size(), list);
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (auto ok = check_name(names[i], longest, one); !ok) return ok;
            if (i != 0 && names[i - 1] == names[i]) return fail(core_error::duplicate_key, i, list);
        }
        return {};
    };
    if (auto ok = check_names(d.roles, limits::roles, limits::role, "roles", "role"); !ok) return ok;
    if (auto ok = check_names(d.capabilities, limits::capabilities, limits::capability, "capabilities", "capability");
        !ok) {
        return ok;
    }
    if (d.labels.size() > limits::labels) return fail(core_error::too_long, d.labels.size(), "labels");
    for (std::size_t i = 0; i < d.labels.size(); ++i) {
        if (auto ok = check_name(d.labels[i].key, limits::label_key, "label key"); !ok) return ok;
        if (auto ok = check_text(d.labels[i].value, limits::label_value, "label value"); !ok) return ok;
        if (i != 0 && d.labels[i - 1].key == d.labels[i].key) return fail(core_error::duplicate_key, i, "labels");
    }
    if (d.services.size() > limits::services) return fail(core_error::too_long, d.services.size(), "services");
    for (std::size_t i = 0; i < d.services.size(); ++i) {
        if (auto ok = check_name(d.services[i].name, limits::service_name, "service name"); !ok) return ok;
        if (auto ok = check_text(d.services[i].info, limits::service_info, "service info"); !ok) return ok;
        if (i != 0 && d.services[i - 1].name == d.services[i].name)
            return fail(core_error::duplicate_key, i, "services");
    }
    return {};
}

PEERKIT_END_NAMESPACE

#endif
