// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Multicast DNS on real sockets: one link that browses and publishes for everything in the process.
#ifndef PEERKIT_NET_MDNS_HPP
#define PEERKIT_NET_MDNS_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/secure_rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/mdns_browser.hpp>
#include <peerkit/discovery/mdns_protocol.hpp>
#include <peerkit/discovery/mdns_records.hpp>
#include <peerkit/discovery/mdns_responder.hpp>
#include <peerkit/net/cancellation.hpp>
#include <peerkit/net/convert.hpp>
#include <peerkit/net/error.hpp>
#include <peerkit/net/mdns_sockets.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/error.hpp>
#include <asio/error_code.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace net {

struct mdns_link_options {
    std::uint16_t port = discovery::mdns_port; ///< only tests have another
    std::vector<std::string> interfaces{};     ///< names of those to use; empty: all that are fit
    mdns_loopback loopback = mdns_loopback::if_alone;
    bool v4 = true;
    bool v6 = true;
    std::chrono::milliseconds look{5000}; ///< how often interfaces are looked at
};

struct mdns_link_counters {
    std::uint64_t received = 0;    ///< packets
    std::uint64_t useless = 0;     ///< of other interfaces, too large, or errors of earlier packets
    std::uint64_t sent = 0;        ///< packets
    std::uint64_t send_errors = 0; ///< packets the system refused; as if the network had lost them
    std::uint64_t opened = 0;      ///< sockets, also again after a change of interfaces
};

/// Speaks multicast DNS for a process: one browser for each service that is asked for, and any number of publications,
/// on all links of the machine. Sockets are opened with the first use. Everything happens on the executor, which must
/// run one thing at a time, and every call comes from there.
///
/// Made with `make` and held by `std::shared_ptr`; it lives until the stop, which sends goodbyes and closes everything
/// at once, without waiting. Nothing blocks: a packet that a socket does not take is lost, as on any network.
///
/// @code
/// auto link = net::mdns_link::make(executor, stop, crypto::secure_rng::make().value());
/// auto published = link->publish({.port = 9000, .text = discovery::mdns_text(facts)});
/// discovery::browse_services wanted{"_peerkit._udp", 1s};
/// auto found = co_await link->browse(stop, std::move(wanted));
/// @endcode
template <Rng R>
class basic_mdns_link : public std::enable_shared_from_this<basic_mdns_link<R>> {
    struct passkey {};

public:
    using browser = discovery::mdns_browser<R>;
    using responder = discovery::mdns_responder<R>;
    /// Names one publication.
    enum class publication_id : std::uint32_t {};

    static constexpr std::size_t max_services = 16;     ///< browsed for
    static constexpr std::size_t max_publications = 64; ///< at a time

    [[nodiscard]] static std::shared_ptr<basic_mdns_link> make(asio::any_io_executor executor,
                                                               std::shared_ptr<stop_state> stop, R random,
                                                               mdns_link_options options = {}) {
        return std::make_shared<basic_mdns_link>(passkey{}, std::move(executor), std::move(stop), std::move(random),
                                                 std::move(options));
    }
    basic_mdns_link(passkey, asio::any_io_executor executor, std::shared_ptr<stop_state> stop, R random,
                    mdns_link_options options)
        : executor_{std::move(executor)}, stop_{std::move(stop)}, random_{std::move(random)},
          options_{std::move(options)}, timer_{executor_}, packet_(discovery::mdns_receive_limit) {}
    basic_mdns_link(basic_mdns_link const&) = delete;
    basic_mdns_link& operator=(basic_mdns_link const&) = delete;

    /// Carries out the effect: gives what is known when answers have come and gone, or when it has listened for as long
    /// as the effect says. The first time asks at once; the browser then goes on by itself, so that later calls find a
    /// warm cache and need not wait. While nobody but this link's own publications is known, every call asks anew.
    /// @param stop ends the wait, besides the stop of the link
    /// @par Errors `bad_option` (field "service"); `unavailable` (errno: no sockets; ENODEV: no interface is fit for
    /// it; ENOBUFS: too many services; ECANCELED: stopped)
    [[nodiscard]] asio::awaitable<result<discovery::service_instances>> browse(std::shared_ptr<stop_state> stop,
                                                                               discovery::browse_services wanted) {
        using discovery::discovery_error;
        auto const self = this->shared_from_this();
        if (stop->stopped()) co_return fail(discovery_error::unavailable, ECANCELED, "browse");
        if (auto const started = start(); !started) co_return fail(started.error());
        auto const found = find_browser(wanted.service);
        if (!found) co_return fail(found.error());
        browser* const one = *found;
        if (!knows_others(*one)) one->ask_again(clock_.now());
        arm();
        time_point const end = saturating_add(clock_.now(), wanted.listen);
        for (;;) {
            time_point const now = clock_.now();
            if (now >= end || stop->stopped() || stop_->stopped()) break;
            if (one->is_settled(now, quiet) && knows_others(*one)) break;
            co_await listen(stop, std::min<duration>(end - now, look_for_answers));
        }
        if (stop->stopped() || stop_->stopped()) co_return fail(discovery_error::unavailable, ECANCELED, "browse");
        if (sockets_.empty()) co_return fail(why_no_sockets());
        co_return discovery::service_instances{one->instances(clock_.now(), wanted.max_instances)};
    }

    /// Publishes until `withdraw` or the stop. Interfaces that come later are taken up then, so that there being none
    /// now is no error.
    /// @par Errors as `discovery::mdns_records::make`; `unavailable` (errno: interfaces are not known; ENOBUFS: too
    /// many publications; ECANCELED: stopped)
    [[nodiscard]] result<publication_id> publish(discovery::mdns_publication const& what) {
        using discovery::discovery_error;
        if (responders_.size() == max_publications) return fail(discovery_error::unavailable, ENOBUFS, "publications");
        auto made = responder::make(what, random_, options_.port);
        if (!made) return fail(made.error());
        // Without a usable interface it waits for one.
        if (auto const started = start(); !started && (stop_->stopped() || !running_)) return fail(started.error());
        auto const id = static_cast<publication_id>(++last_id_);
        responder& one = responders_.emplace(id, std::move(*made)).first->second;
        one.set_interfaces(published_interfaces(), clock_.now());
        arm();
        return id;
    }
    /// Publishes another text under the same name. An id that is not published does nothing.
    /// @par Errors as `discovery::mdns_records::set_text`; nothing has changed then
    [[nodiscard]] result<void> set_text(publication_id id, std::span<std::string const> text) {
        auto const found = responders_.find(id);
        if (found == responders_.end()) return {};
        auto const done = found->second.set_text(text, clock_.now());
        arm();
        return done;
    }
    /// Takes a publication back, and says so on every link. An id that is not published does nothing.
    void withdraw(publication_id id) {
        auto const found = responders_.find(id);
        if (found == responders_.end()) return;
        found->second.goodbye(sender());
        responders_.erase(found);
        arm();
    }

    /// A publication, for its name and counters; null if there is no such.
    [[nodiscard]] responder const* published(publication_id id) const {
        auto const found = responders_.find(id);
        return found == responders_.end() ? nullptr : &found->second;
    }
    /// The browser of a service, for its counters; null if nobody has asked for it.
    [[nodiscard]] browser const* browsing(std::string const& service) const {
        auto const found = browsers_.find(service);
        return found == browsers_.end() ? nullptr : &found->second;
    }
    /// The interfaces that have a socket.
    [[nodiscard]] std::vector<mdns_nic> const& interfaces() const noexcept { return nics_; }
    [[nodiscard]] mdns_link_counters const& counters() const noexcept { return counted_; }

private:
    static constexpr duration quiet = std::chrono::milliseconds{250}; ///< twice what a responder waits
    static constexpr duration look_for_answers = std::chrono::milliseconds{50};

    /// A socket and the Asio object that waits for it, which has a descriptor of its own.
    struct open_socket {
        open_socket(asio::any_io_executor const& executor, mdns_socket from, int copy)
            : socket{std::move(from)}, readable{executor, copy} {}
        mdns_socket socket;
        asio::posix::stream_descriptor readable;
    };

    // ---- Beginning and end ----------------------------------------------------------------------------------------

    /// Opens the sockets, if that has not happened yet. Fails while there is none.
    [[nodiscard]] result<void> start() {
        using discovery::discovery_error;
        if (stop_->stopped()) return fail(discovery_error::unavailable, ECANCELED, "multicast DNS");
        if (!running_) {
            auto const now = list_mdns_interfaces(options_.interfaces, options_.loopback);
            if (!now) return fail(discovery_error::unavailable, now.error().position(), "interfaces");
            running_ = true;
            at_stop_.emplace(stop_, [this] { end(); });
            next_look_ = saturating_add(clock_.now(), options_.look);
            take_up(*now);
        } else if (sockets_.empty()) {
            look();
        }
        if (sockets_.empty()) return fail(why_no_sockets());
        return {};
    }
    [[nodiscard]] error why_no_sockets() const noexcept {
        return {discovery::discovery_error::unavailable, last_error_ != 0 ? last_error_ : ENODEV, "multicast DNS"};
    }
    void end() {
        auto const self = this->shared_from_this(); // what is cancelled may be the last to hold it
        for (auto& [id, one] : responders_) one.goodbye(sender());
        responders_.clear();
        close_all();
        timer_.cancel();
    }
    void close_all() {
        for (auto const& one : sockets_) {
            asio::error_code ignored;
            one->readable.close(ignored);
        }
        sockets_.clear();
    }

    // ---- Interfaces -----------------------------------------------------------------------------------------------

    /// Looks whether the interfaces are others than before.
    void look() {
        next_look_ = saturating_add(clock_.now(), options_.look);
        auto const now = list_mdns_interfaces(options_.interfaces, options_.loopback);
        if (!now) return; // what is known stays good
        bool const incomplete =
            std::any_of(now->begin(), now->end(), [this](mdns_nic const& n) { return !has_socket(n.index); });
        if (*now != known_nics_ || incomplete) take_up(*now);
    }
    [[nodiscard]] bool has_socket(std::uint32_t interface) const noexcept {
        return std::any_of(sockets_.begin(), sockets_.end(),
                           [=](auto const& s) { return s->socket.interface() == interface; });
    }
    /// Keeps the sockets of interfaces that are as they were; others are closed, and made anew: a membership may have
    /// ended with an address.
    void take_up(std::vector<mdns_nic> const& now) {
        std::erase_if(sockets_, [&](auto const& s) {
            auto const same = [&](std::vector<mdns_nic> const& in) {
                return std::find_if(in.begin(), in.end(),
                                    [&](mdns_nic const& n) { return n.index == s->socket.interface(); });
            };
            auto const before = same(known_nics_), after = same(now);
            if (before != known_nics_.end() && after != now.end() && *before == *after) return false;
            asio::error_code ignored;
            s->readable.close(ignored);
            return true;
        });
        last_error_ = 0;
        for (mdns_nic const& nic : now) {
            if (has_socket(nic.index)) continue;
            if (options_.v4 && nic.has(ip_family::v4)) open(ip_family::v4, nic);
            if (options_.v6 && nic.has(ip_family::v6)) open(ip_family::v6, nic);
        }
        known_nics_ = now;
        nics_.clear();
        for (mdns_nic const& nic : now) {
            if (has_socket(nic.index)) nics_.push_back(nic);
        }
        auto const interfaces = published_interfaces();
        for (auto& [service, one] : browsers_) one.set_interfaces(interfaces, clock_.now());
        for (auto& [id, one] : responders_) one.set_interfaces(interfaces, clock_.now());
    }
    void open(ip_family family, mdns_nic const& nic) {
        auto made = mdns_socket::open(family, nic, options_.port);
        if (!made) {
            last_error_ = made.error().position();
            return;
        }
        int const copy = ::dup(made->descriptor());
        if (copy < 0) {
            last_error_ = static_cast<std::uint64_t>(errno);
            return;
        }
        close_on_exec(copy);
        ++counted_.opened;
        sockets_.push_back(std::make_shared<open_socket>(executor_, std::move(*made), copy));
        wait_for(sockets_.back());
    }
    [[nodiscard]] std::vector<discovery::mdns_interface> published_interfaces() const {
        std::vector<discovery::mdns_interface> all;
        for (mdns_nic const& nic : nics_) {
            discovery::mdns_interface one{nic.index, {}};
            for (ip_prefix const& p : nic.subnets) one.addresses.push_back(p.address);
            all.push_back(std::move(one));
        }
        return all;
    }

    // ---- Packets --------------------------------------------------------------------------------------------------

    void wait_for(std::shared_ptr<open_socket> const& one) {
        one->readable.async_wait(asio::posix::stream_descriptor::wait_read,
                                 [self = this->shared_from_this(), one](asio::error_code ec) {
                                     if (ec || !one->readable.is_open()) return;
                                     self->read(one);
                                 });
    }
    void read(std::shared_ptr<open_socket> const& one) {
        // Not for ever: others have their turn, too.
        for (int i = 0; i < 32; ++i) {
            std::size_t size = 0;
            discovery::mdns_origin origin;
            auto const got = one->socket.receive(packet_, size, origin);
            if (got == mdns_socket::outcome::empty) break;
            if (got == mdns_socket::outcome::failed) {
                last_error_ = static_cast<std::uint64_t>(errno);
                asio::error_code ignored;
                one->readable.close(ignored);
                std::erase(sockets_, one); // made anew at the next look
                return;
            }
            if (got == mdns_socket::outcome::useless) {
                ++counted_.useless;
                continue;
            }
            ++counted_.received;
            take(byte_view{packet_}.first(size), origin);
        }
        wait_for(one);
        arm();
    }
    void take(byte_view packet, discovery::mdns_origin origin) {
        auto const nic = std::find_if(nics_.begin(), nics_.end(),
                                      [&origin](mdns_nic const& n) { return n.index == origin.interface; });
        if (nic == nics_.end()) return;
        origin.on_link = nic->reaches(origin.from.address);
        origin.loopback = nic->loopback;
        time_point const now = clock_.now();
        for (auto& [service, one] : browsers_) one.receive(packet, origin, now, sender());
        for (auto& [id, one] : responders_) one.receive(packet, origin, now, sender());
    }
    [[nodiscard]] auto sender() {
        return [this](discovery::mdns_destination const& to, byte_view bytes) {
            for (auto const& one : sockets_) {
                if (one->socket.interface() != to.interface) continue;
                if (to.to && to.to.address.family() != one->socket.family()) continue;
                ++(one->socket.send(to.to, bytes) ? counted_.sent : counted_.send_errors);
            }
        };
    }

    // ---- Time -----------------------------------------------------------------------------------------------------

    /// Sets the timer for what is due next, unless it is set for that already.
    void arm() {
        if (!running_ || stop_->stopped()) return;
        time_point due = next_look_;
        for (auto const& [service, one] : browsers_) due = std::min(due, one.next_deadline());
        for (auto const& [id, one] : responders_) due = std::min(due, one.next_deadline());
        if (due == armed_) return;
        armed_ = due;
        timer_.expires_at(to_steady(due));
        timer_.async_wait([self = this->shared_from_this()](asio::error_code ec) {
            if (ec || self->stop_->stopped()) return;
            self->armed_ = never;
            self->tick();
        });
    }
    void tick() {
        time_point const now = clock_.now();
        if (now >= next_look_) look();
        for (auto& [service, one] : browsers_) one.tick(now, sender());
        for (auto& [id, one] : responders_) one.tick(now, sender());
        arm();
    }
    /// Waits for a time, or for the first of the two stops.
    [[nodiscard]] asio::awaitable<void> listen(std::shared_ptr<stop_state> stop, duration time) {
        gate over{executor_};
        watchdog const guard{executor_, stop, time, [&over] { over.open(); }};
        std::optional<stop_state::hook> other;
        if (stop != stop_ && !stop_->stopped()) other.emplace(stop_, [&over] { over.open(); });
        co_await over.wait();
    }

    /// True if an instance is known that is not one of our own publications.
    [[nodiscard]] bool knows_others(browser const& one) const {
        auto const known = one.instances(clock_.now());
        return std::any_of(known.begin(), known.end(), [this](discovery::service_instance const& i) {
            return std::none_of(responders_.begin(), responders_.end(),
                                [&i](auto const& own) { return own.second.instance() == i.instance; });
        });
    }
    [[nodiscard]] result<browser*> find_browser(std::string const& service) {
        using discovery::discovery_error;
        if (auto const found = browsers_.find(service); found != browsers_.end()) return &found->second;
        if (browsers_.size() == max_services) return fail(discovery_error::unavailable, ENOBUFS, "services");
        auto made = browser::make({.service = service, .port = options_.port}, random_);
        if (!made) return fail(made.error());
        browser& one = browsers_.emplace(service, std::move(*made)).first->second;
        one.set_interfaces(published_interfaces(), clock_.now());
        return &one;
    }

    asio::any_io_executor executor_;
    std::shared_ptr<stop_state> stop_;
    R random_;
    mdns_link_options options_;
    timer_of<asio::any_io_executor> timer_;
    std::vector<std::byte> packet_;
    std::vector<std::shared_ptr<open_socket>> sockets_;
    std::vector<mdns_nic> known_nics_; ///< as last listed
    std::vector<mdns_nic> nics_;       ///< those of them with a socket
    std::map<std::string, browser, std::less<>> browsers_;
    std::map<publication_id, responder> responders_;
    mdns_link_counters counted_;
    system_steady_clock clock_;
    time_point next_look_ = never;
    time_point armed_ = never;
    std::uint64_t last_error_ = 0;
    std::uint32_t last_id_ = 0;
    bool running_ = false;
    std::optional<stop_state::hook> at_stop_;
};

using mdns_link = basic_mdns_link<crypto::secure_rng>;

} // namespace net
PEERKIT_END_NAMESPACE

#endif
