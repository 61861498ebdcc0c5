// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Where a node finds registries: on its machine, by DNS, in its configuration, and from what members announce.
#ifndef PEERKIT_REGISTRY_SERVER_SEARCH_HPP
#define PEERKIT_REGISTRY_SERVER_SEARCH_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/registry/client_options.hpp>
#include <peerkit/registry/server_list.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Fills a `server_list`: with the integrated registry at 127.0.0.1, every address of `tnr.<domain>` (AAAA first),
/// those configured, those that members announce. Not thread-safe.
///
/// A registry is announced as "host:port", behind "etcd://" if it speaks another protocol than peerkit's own, and
/// "registry+tls://" or "etcd+tls://" if it wants TLS; those of other protocols are left alone.
class server_search {
public:
    static constexpr std::size_t most_announced = 8;
    static constexpr duration look_up_again = std::chrono::minutes{5};  ///< at the latest; sooner if records say so ...
    static constexpr duration look_up_least = std::chrono::seconds{30}; ///< ... but not sooner than this
    static constexpr duration after_failure = std::chrono::seconds{5};  ///< when no registry answered

    /// @param protocol  its name; "registry" is peerkit's own
    /// @par Errors `bad_option`, its field `registries` or `remembered`
    [[nodiscard]] static result<server_search> make(client_options const& o, std::string_view protocol,
                                                    std::uint16_t default_port) {
        using discovery::discovery_error;
        server_search made{o, protocol, default_port};
        std::vector<server_address> configured;
        for (std::string const& text : o.registries) {
            auto const one = server_address::parse(text, default_port, o.tls, server_source::configured);
            if (!one) return fail(discovery_error::bad_option, 0, "registries");
            configured.push_back(*one);
        }
        made.servers_.replace(server_source::configured, std::move(configured));
        if (o.integrated) {
            endpoint const here{ip_address::v4(127, 0, 0, 1), default_port};
            made.servers_.replace(server_source::integrated, {{here, false, server_source::integrated}});
        }
        // A certificate is for a name: with TLS the name is the registry, whatever its addresses are.
        if (o.tls && !made.name_.empty()) {
            auto const by_name = endpoint::parse(made.name_, default_port);
            if (!by_name) return fail(discovery_error::bad_option, 0, "domain");
            made.servers_.replace(server_source::domain, {{*by_name, true, server_source::domain}});
        }
        if (!o.remembered.empty()) {
            auto const one = made.from_text(o.remembered);
            if (!one) return fail(discovery_error::bad_option, 0, "remembered");
            made.servers_.replace(server_source::remembered, {*one});
            made.servers_.prefer(*one);
        }
        return made;
    }

    [[nodiscard]] server_list& servers() noexcept { return servers_; }
    /// The name in DNS, without the final dot; empty without a domain.
    [[nodiscard]] std::string const& name() const noexcept { return name_; }

    /// The lookup that is due, if any.
    [[nodiscard]] std::optional<discovery::resolve_name> look_up(time_point now) const {
        if (name_.empty() || tls_ || now < look_up_at_) return std::nullopt;
        return discovery::resolve_name{.host = name_ + '.'};
    }
    /// What the lookup gave. A failed one leaves what was found before as it is.
    /// @returns why it failed
    [[nodiscard]] std::optional<error> looked_up(discovery::outcome const& got, time_point now) {
        looked_up_at_ = now;
        auto const* names = std::get_if<discovery::resolved>(&got);
        if (names == nullptr) {
            look_up_at_ = saturating_add(now, after_failure);
            return discovery::why_not(got);
        }
        std::vector<server_address> found;
        for (ip_family const family : {ip_family::v6, ip_family::v4}) {
            for (ip_address const& address : names->addresses) {
                if (address.family() != family || !discovery::is_unicast(address)) continue;
                found.push_back({endpoint{address, port_}, false, server_source::domain});
            }
        }
        servers_.replace(server_source::domain, std::move(found));
        look_up_at_ =
            saturating_add(now, std::clamp(names->time_to_live.value_or(look_up_again), look_up_least, look_up_again));
        return std::nullopt;
    }
    /// No registry answered: the name is looked up again soon.
    void look_again() noexcept {
        if (looked_up_at_) look_up_at_ = std::min(look_up_at_, saturating_add(*looked_up_at_, after_failure));
    }

    /// What members announce, as it is told by `discovery::read_announcement`.
    void take_announced(std::vector<std::string> const& texts) {
        if (!announced_) return;
        std::vector<server_address> found;
        for (std::string const& text : texts) {
            auto const one = from_text(text);
            if (one && can_be_shared(*one) && found.size() < most_announced) found.push_back(*one);
        }
        servers_.replace(server_source::announced, std::move(found));
    }
    /// Members on other machines cannot mean a registry on this one.
    [[nodiscard]] static bool can_be_shared(server_address const& which) noexcept {
        return which.where.is_host_name() ? which.where.host_name() != "localhost"
                                          : discovery::is_remote(which.where.address());
    }
    /// What is announced of a registry.
    [[nodiscard]] std::string text_of(server_address const& which) const {
        return prefix(which.tls) + which.where.to_string();
    }
    /// None if the text is of another protocol, or no text of a registry.
    [[nodiscard]] std::optional<server_address> from_text(std::string_view text) const {
        for (bool const tls : {true, false}) {
            std::string const front = prefix(tls);
            if (!text.starts_with(front)) continue;
            auto const where = endpoint::parse(text.substr(front.size()), port_);
            if (!where) return std::nullopt;
            return server_address{*where, tls, server_source::announced};
        }
        return std::nullopt;
    }

private:
    server_search(client_options const& o, std::string_view protocol, std::uint16_t port)
        : protocol_{protocol}, port_{port}, tls_{o.tls}, announced_{o.announced} {
        if (o.domain.empty()) return;
        name_ = "tnr." + o.domain;
        if (name_.ends_with('.')) name_.pop_back();
    }
    [[nodiscard]] std::string prefix(bool tls) const {
        if (!tls && protocol_ == "registry") return {};
        return protocol_ + (tls ? "+tls://" : "://");
    }

    std::string protocol_;
    std::uint16_t port_;
    bool tls_, announced_;
    std::string name_;
    server_list servers_;
    time_point look_up_at_ = time_point::min();
    std::optional<time_point> looked_up_at_;
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
