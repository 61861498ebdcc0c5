// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The policy seat of registry protocols: what to send to a registry, and what its answers mean.
#ifndef PEERKIT_REGISTRY_PROTOCOL_HPP
#define PEERKIT_REGISTRY_PROTOCOL_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>

#include <charconv>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// What a client wants of a registry.
enum class client_task : std::uint8_t {
    enroll, ///< make this node known, or make its newer announcement known
    renew,  ///< say that it is still there
    list,   ///< who is there
    watch,  ///< be answered when that changes
    leave,  ///< take this node out
};

/// What is said of this node. Texts and bytes live as long as the call.
struct registrant {
    byte_view record{}; ///< its own signed announcement: see `wire::record_view`
    network_id network{};
    std::optional<crypto::signature> proof{}; ///< the answer to the challenge of this registry, once it asked
    std::string_view token{};                 ///< what the registry wants to see before it answers; empty: nothing
    std::string_view domain{};                ///< which nodes belong together
    std::string_view registry{};              ///< "host:port" of the registry that is asked
    std::string_view found_by{};              ///< how this node finds others, for people
    duration time_to_live = std::chrono::seconds{45}; ///< a wish: without `renew` for so long, the node is gone
    /// The first request of a task; false after `more` and `challenged`.
    bool begins = true;
};

// ---- What an answer means ------------------------------------------------------------------------------------------

/// `enroll`, `renew`: the node is known.
struct known {
    duration time_to_live{};                    ///< zero: as wished
    duration interval{};                        ///< between two `renew`; zero: a third of the time to live
    std::vector<discovery::candidate> others{}; ///< whom the registry named along with it
};
/// `list`: who is there. May hold this node itself, which the client leaves out.
struct listed {
    std::vector<discovery::candidate> found{};
    duration behind{}; ///< by how much the list is known to be old; zero: it is fresh
};
/// `list`: nothing has changed since the last one.
struct unchanged {};
/// Ask for the same again: the next request goes on where this one ended.
struct more {};
/// Sign this and ask for the same again.
struct challenged {
    std::vector<std::byte> challenge{};
};
/// `renew`, `enroll`, `leave`: the registration is not known any more.
struct lost {};
/// `leave`: done.
struct gone {};
/// It was understood and will not be done.
struct refused {
    error why = discovery::discovery_error::bad_reply;
    std::string said{};     ///< the registry's own words, for people; at most `most_words` bytes
    duration retry_after{}; ///< zero: it did not say
    bool elsewhere = false; ///< this registry cannot do it now, another one may: try that
    static constexpr std::size_t most_words = 200;
};

/// The seconds that a reply says to wait (RFC 9110, 10.2.3); zero if it does not, or says a date.
[[nodiscard]] inline duration retry_after(discovery::http_reply const& reply) noexcept {
    std::string_view const text = reply.header("retry-after");
    std::uint32_t seconds = 0;
    auto const [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    return wrong == std::errc{} && end == text.data() + text.size() ? duration{std::chrono::seconds{seconds}}
                                                                    : duration::zero();
}

/// What an answer of a registry means.
using client_answer = std::variant<known, listed, unchanged, more, challenged, lost, gone, refused>;

// ---- The concept -----------------------------------------------------------------------------------------------

/// A protocol is moved into the client without throwing.
template <typename P>
concept HasProtocolMove = std::move_constructible<P> && std::is_nothrow_move_constructible_v<P>;

/// `p.name()`: for notices and addresses of registries, "etcd". Letters, digits and '_'; lives as long as the protocol.
template <typename P>
concept HasProtocolName = requires(P const& protocol) {
    { protocol.name() } noexcept -> std::same_as<std::string_view>;
};

/// `p.default_port()`: of a registry whose address names none.
template <typename P>
concept HasProtocolPort = requires(P const& protocol) {
    { protocol.default_port() } noexcept -> std::same_as<std::uint16_t>;
};

/// `p.request(task, who)`: the next request of a task, without URL and CA file, which the client knows; none if the
/// protocol has no such task, or nothing to say.
template <typename P>
concept HasProtocolRequest = requires(P& protocol, client_task task, registrant const& who) {
    { protocol.request(task, who) } -> std::same_as<std::optional<discovery::http_request>>;
};

/// `p.answer(task, reply, who)`: what the reply to the last request of a task means. The reply is untrusted.
template <typename P>
concept HasProtocolAnswer =
    requires(P& protocol, client_task task, discovery::http_reply reply, registrant const& who) {
        { protocol.answer(task, std::move(reply), who) } -> std::same_as<client_answer>;
    };

/// `p.forget()`: what the registry gave this node (a lease, say) counts no more; the next `enroll` begins afresh.
template <typename P>
concept HasProtocolForget = requires(P& protocol) { protocol.forget(); };

/// How to talk to one kind of registry: an encoder and decoder that keeps what the registry gave it, without any I/O.
/// `client<Protocol>` does the rest: which registry, when, and what if it does not answer. Models: `peerkit_http`,
/// `etcd`, `consul`. See docs/concepts/registry_protocol.md.
template <typename P>
concept RegistryProtocol = HasProtocolMove<P> && HasProtocolName<P> && HasProtocolPort<P> && HasProtocolRequest<P> &&
                           HasProtocolAnswer<P> && HasProtocolForget<P>;

/// Says which member `P` lacks, one sentence each. Put it beside your type:
/// @code static_assert(peerkit::registry::check_protocol<my_protocol>()); @endcode
template <typename P>
consteval bool check_protocol() {
    static_assert(HasProtocolMove<P>, "peerkit: a registry protocol must be movable without throwing; "
                                      "see docs/concepts/registry_protocol.md");
    static_assert(HasProtocolName<P>, "peerkit: a registry protocol needs `std::string_view name() const noexcept`; "
                                      "see docs/concepts/registry_protocol.md");
    static_assert(HasProtocolPort<P>, "peerkit: a registry protocol needs `std::uint16_t default_port() const "
                                      "noexcept`; see docs/concepts/registry_protocol.md");
    static_assert(HasProtocolRequest<P>,
                  "peerkit: a registry protocol needs "
                  "`std::optional<discovery::http_request> request(registry::client_task, registry::registrant "
                  "const&)`; see docs/concepts/registry_protocol.md");
    static_assert(HasProtocolAnswer<P>,
                  "peerkit: a registry protocol needs `registry::client_answer answer(registry::client_task, "
                  "discovery::http_reply, registry::registrant const&)`; see docs/concepts/registry_protocol.md");
    static_assert(HasProtocolForget<P>, "peerkit: a registry protocol needs `void forget()`; "
                                        "see docs/concepts/registry_protocol.md");
    return RegistryProtocol<P>;
}

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
