// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A resolver chosen at run time: holds any other resolver.
#ifndef PEERKIT_NET_ANY_RESOLVER_HPP
#define PEERKIT_NET_ANY_RESOLVER_HPP

#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/net/resolver.hpp>

#include <concepts>
#include <memory>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace net {

/// Holds one resolver of any type, or none: then every lookup is `unsupported`. `Resolver` itself. Costs one virtual
/// call per lookup. An awaitable it returned does not refer to the `any_resolver`, only to what it holds.
/// @code
/// net::any_resolver how = servers.empty() ? net::any_resolver{net::system_resolver{executor}}
///                                         : net::any_resolver{net::cares_resolver{executor, {.servers = servers}}};
/// @endcode
class any_resolver {
public:
    any_resolver() noexcept = default;
    // It is a resolver itself: that must be ruled out before the concept is asked.
    template <typename R>
        requires(!std::same_as<R, any_resolver> && Resolver<R>)
    any_resolver(R resolver) // NOLINT: every resolver is an any_resolver
        : held_{std::make_unique<model<R>>(std::move(resolver))} {}

    /// False if it holds none.
    [[nodiscard]] explicit operator bool() const noexcept { return held_ != nullptr; }

    [[nodiscard]] lookup_of<discovery::resolve_name> resolve(std::shared_ptr<stop_state> stop,
                                                             discovery::resolve_name request) {
        return ask(std::move(stop), std::move(request));
    }
    [[nodiscard]] lookup_of<discovery::resolve_service> resolve(std::shared_ptr<stop_state> stop,
                                                                discovery::resolve_service request) {
        return ask(std::move(stop), std::move(request));
    }
    [[nodiscard]] lookup_of<discovery::resolve_text> resolve(std::shared_ptr<stop_state> stop,
                                                             discovery::resolve_text request) {
        return ask(std::move(stop), std::move(request));
    }
    [[nodiscard]] lookup_of<discovery::resolve_address> resolve(std::shared_ptr<stop_state> stop,
                                                                discovery::resolve_address request) {
        return ask(std::move(stop), std::move(request));
    }

private:
    struct interface {
        interface() = default;
        interface(interface const&) = delete;
        interface& operator=(interface const&) = delete;
        virtual ~interface() = default;
        [[nodiscard]] virtual lookup_of<discovery::resolve_name> resolve(std::shared_ptr<stop_state> stop,
                                                                         discovery::resolve_name request) = 0;
        [[nodiscard]] virtual lookup_of<discovery::resolve_service> resolve(std::shared_ptr<stop_state> stop,
                                                                            discovery::resolve_service request) = 0;
        [[nodiscard]] virtual lookup_of<discovery::resolve_text> resolve(std::shared_ptr<stop_state> stop,
                                                                         discovery::resolve_text request) = 0;
        [[nodiscard]] virtual lookup_of<discovery::resolve_address> resolve(std::shared_ptr<stop_state> stop,
                                                                            discovery::resolve_address request) = 0;
    };
    template <typename R>
    struct model final : interface {
        explicit model(R&& from) noexcept : resolver{std::move(from)} {}
        [[nodiscard]] lookup_of<discovery::resolve_name> resolve(std::shared_ptr<stop_state> stop,
                                                                 discovery::resolve_name request) override {
            return resolver.resolve(std::move(stop), std::move(request));
        }
        [[nodiscard]] lookup_of<discovery::resolve_service> resolve(std::shared_ptr<stop_state> stop,
                                                                    discovery::resolve_service request) override {
            return resolver.resolve(std::move(stop), std::move(request));
        }
        [[nodiscard]] lookup_of<discovery::resolve_text> resolve(std::shared_ptr<stop_state> stop,
                                                                 discovery::resolve_text request) override {
            return resolver.resolve(std::move(stop), std::move(request));
        }
        [[nodiscard]] lookup_of<discovery::resolve_address> resolve(std::shared_ptr<stop_state> stop,
                                                                    discovery::resolve_address request) override {
            return resolver.resolve(std::move(stop), std::move(request));
        }
        R resolver;
    };

    template <typename Request>
    [[nodiscard]] lookup_of<Request> ask(std::shared_ptr<stop_state> stop, Request request) {
        if (!held_) return unsupported_lookup(std::move(request));
        return held_->resolve(std::move(stop), std::move(request));
    }

    std::unique_ptr<interface> held_;
};

static_assert(check_resolver<any_resolver>());

} // namespace net
PEERKIT_END_NAMESPACE

#endif
