// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Multicast DNS for a node: lets its strategies browse the local link, and publishes the node there if it should be.
#ifndef PEERKIT_NET_MDNS_LOCAL_LINK_HPP
#define PEERKIT_NET_MDNS_LOCAL_LINK_HPP

#include <peerkit/core/description.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/crypto/secure_rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/mdns.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/local_link.hpp>
#include <peerkit/net/mdns.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// What a node does on the local link.
struct mdns_presence {
    bool publish = true; ///< be found: identity, name, ports, version and labels are told to everybody on the link
    std::string service{discovery::mdns_default_service};
    std::string network{}; ///< told as "net", so that nodes of other networks need not call; empty: not told
    mdns_link_options link{};
};

/// The model of `local_link`: RFC 6762 and 6763 by `mdns_link`.
class mdns_local_link final : public local_link {
public:
    mdns_local_link(asio::any_io_executor executor, std::shared_ptr<stop_state> stop, mdns_presence how)
        : how_{std::move(how)} {
        if (auto rng = crypto::secure_rng::make()) {
            link_ = mdns_link::make(std::move(executor), std::move(stop), std::move(*rng), how_.link);
        }
    }

    [[nodiscard]] asio::awaitable<result<discovery::service_instances>> browse(
        std::shared_ptr<stop_state> stop, discovery::browse_services wanted) override {
        if (!link_) return no_rng();
        return link_->browse(std::move(stop), std::move(wanted));
    }
    [[nodiscard]] result<void> publish(node_id const& id, description const& self) override {
        if (!how_.publish) return {};
        if (!link_) return fail(discovery::discovery_error::unavailable, ENOSYS, "random numbers");
        discovery::mdns_publication what;
        what.service = how_.service;
        what.port = self.gossip_port;
        what.text = discovery::mdns_text(
            {id, self.gossip_port, self.api_port, self.name, self.version, how_.network, self.labels});
        if (published_ && port_ == what.port) {
            if (text_ == what.text) return {};
            // The same instance says something else: it keeps its name.
            if (auto const said = link_->set_text(*published_, what.text); !said) return said;
        } else {
            auto const made = link_->publish(what);
            if (!made) return fail(made.error());
            if (published_) link_->withdraw(*published_);
            published_ = *made;
        }
        port_ = what.port;
        text_ = std::move(what.text);
        return {};
    }

private:
    [[nodiscard]] static asio::awaitable<result<discovery::service_instances>> no_rng() {
        co_return fail(discovery::discovery_error::unavailable, ENOSYS, "random numbers");
    }

    mdns_presence how_;
    std::shared_ptr<mdns_link> link_;
    std::optional<mdns_link::publication_id> published_;
    std::uint16_t port_ = 0;        ///< as published
    std::vector<std::string> text_; ///< as published
};

/// For `node_config::link`: the strategy `discovery::mdns` works, and the node is found by others that use it.
/// @code
/// config.link = net::mdns_on_link();
/// config.discovery = discovery::mdns::make({.self = me}).value();
/// @endcode
[[nodiscard]] inline local_link_maker mdns_on_link(mdns_presence how = {}) {
    return [how = std::move(how)](asio::any_io_executor executor, std::shared_ptr<stop_state> stop) {
        return std::make_shared<mdns_local_link>(std::move(executor), std::move(stop), how);
    };
}

} // namespace net
PEERKIT_END_NAMESPACE

#endif
