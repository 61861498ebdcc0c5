// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Finds the instances of one service over multicast DNS (RFC 6762, 6763) as a state machine: packets in, packets out.
#ifndef PEERKIT_DISCOVERY_MDNS_BROWSER_HPP
#define PEERKIT_DISCOVERY_MDNS_BROWSER_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/mdns_cache.hpp>
#include <peerkit/discovery/mdns_protocol.hpp>
#include <peerkit/wire/dns_message.hpp>
#include <peerkit/wire/dns_writer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

struct mdns_browser_options {
    std::string service{mdns_default_service};
    std::uint16_t port = mdns_port;
    mdns_cache_limits limits{};
};

struct mdns_browser_counters {
    std::uint64_t malformed = 0;    ///< packets that are no DNS message
    std::uint64_t not_believed = 0; ///< answers from beyond the link, or not from a responder's port
    std::uint64_t queries = 0;      ///< packets sent
};

/// Keeps what the links say of one service.
///
/// Asks for the service after 20 to 120 ms, then after 1, 2, 4 seconds and so on up to an hour, each time with the
/// answers it has, so that only others are given. Asks again for what is missing of an instance, and for what is about
/// to end when 80, 85, 90 and 95 % of its life are over. Records of other services are passed over. Answers are asked
/// for by multicast: of several programs that share the port only one gets a unicast answer (RFC 6762, 15).
///
/// The owner passes packets to `receive`, calls `tick` when `next_deadline` has come. Not thread safe.
///
/// @code
/// auto browser = discovery::mdns_browser<rng>::make({}, random).value();
/// browser.set_interfaces(interfaces, now);                   // begins to ask
/// browser.tick(now, send);
/// ...
/// for (discovery::service_instance& one : browser.instances(now)) use(one);
/// @endcode
template <Rng R>
class mdns_browser {
public:
    static constexpr std::size_t max_interfaces = 32;

    /// @param random must outlive the browser
    /// @par Errors `bad_option` (field "service")
    [[nodiscard]] static result<mdns_browser> make(mdns_browser_options const& options, R& random) {
        auto const service = mdns_service_name(options.service);
        if (!service) return fail(service.error());
        return mdns_browser{options, *service, random};
    }

    /// The interfaces there are now. What was heard on one that is gone is forgotten; a new one begins a new series of
    /// questions.
    void set_interfaces(std::span<mdns_interface const> interfaces, time_point now) {
        std::vector<std::uint32_t> indexes;
        bool grew = false;
        for (mdns_interface const& one : interfaces) {
            if (indexes.size() == max_interfaces || contains(indexes, one.index)) continue;
            indexes.push_back(one.index);
            grew = grew || !contains(interfaces_, one.index);
        }
        interfaces_ = std::move(indexes);
        cache_.keep_only(interfaces_);
        if (grew) ask_again(now);
    }

    /// Begins a new series of questions, as after the machine was asleep. Within a second of the last one nothing
    /// happens.
    void ask_again(time_point now) {
        if (saturating_add(asked_, std::chrono::seconds{1}) > now) return;
        interval_ = first_interval;
        next_query_ = std::min(next_query_, soon(now));
    }

    /// A packet that came in.
    template <MdnsSend Send>
    void receive(byte_view packet, mdns_origin const& origin, time_point now, Send&& send) {
        if (!contains(interfaces_, origin.interface)) return;
        auto const message = wire::dns_message_view::parse(packet);
        if (!message) {
            ++counted_.malformed;
            return;
        }
        if (!message->header().is_response() || message->header().opcode() != 0 || message->header().code() != 0)
            return;
        if (!may_be_believed(origin, port_)) {
            ++counted_.not_believed;
            return;
        }
        cache_.take(*message, origin, now, soon(now));
        tick(now, send);
    }

    /// Sends the questions that are due and forgets what has ended.
    template <MdnsSend Send>
    void tick(time_point now, Send&& send) {
        cache_.expire(now);
        bool const asks = !interfaces_.empty() && now >= next_query_;
        if (asks) {
            asked_ = now;
            next_query_ = saturating_add(now, interval_);
            interval_ = std::min(interval_ * 2, last_interval);
        }
        for (std::uint32_t const interface : interfaces_) {
            query(interface, asks, now, send);
            if (asks) ask_with_known(interface, now, send);
        }
    }

    /// When `tick` has something to do.
    [[nodiscard]] time_point next_deadline() const noexcept {
        return interfaces_.empty() ? never : std::min(next_query_, cache_.next_deadline());
    }

    /// Every instance whose port and address are known, by name; what several links say of one is put together.
    /// @param most no more than these
    [[nodiscard]] std::vector<service_instance> instances(time_point now, std::size_t most = 1024) const {
        return cache_.instances(now, most);
    }

    /// True when answers have come and gone: nothing was asked and nothing new was learnt for `quiet`, and of every
    /// instance it is known where it is.
    [[nodiscard]] bool is_settled(time_point now, duration quiet) const noexcept {
        return asked_ != time_point::min() && saturating_add(std::max(asked_, cache_.changed()), quiet) <= now &&
               cache_.has_all_places();
    }
    /// Instances heard of, complete or not, on all links.
    [[nodiscard]] std::size_t size() const noexcept { return cache_.size(); }
    [[nodiscard]] mdns_browser_counters const& counters() const noexcept { return counted_; }
    [[nodiscard]] mdns_cache const& cache() const noexcept { return cache_; }

private:
    static constexpr duration first_interval = std::chrono::seconds{1};
    static constexpr duration last_interval = std::chrono::hours{1};

    mdns_browser(mdns_browser_options const& options, wire::dns_name const& service, R& random)
        : service_{service}, port_{options.port}, random_{&random}, room_(mdns_send_limit),
          cache_{service, options.limits} {}

    [[nodiscard]] static bool contains(std::vector<std::uint32_t> const& list, std::uint32_t one) noexcept {
        return std::find(list.begin(), list.end(), one) != list.end();
    }
    [[nodiscard]] time_point soon(time_point now) {
        return saturating_add(now, std::chrono::milliseconds{20} +
                                       uniform(*random_, duration{std::chrono::milliseconds{100}}));
    }

    // ---- Questions ------------------------------------------------------------------------------------------------

    /// Questions for one link, as many packets as they need.
    template <MdnsSend Send>
    class question_list {
    public:
        question_list(mdns_browser& of, std::uint32_t interface, Send& send)
            : of_{&of}, send_{&send}, interface_{interface}, out_{of.room_, {}} {}
        question_list(question_list const&) = delete;
        question_list& operator=(question_list const&) = delete;

        void add(wire::dns_name const& name, wire::dns_type type) {
            if (out_.question(name, type)) return;
            flush();
            (void)out_.question(name, type); // one fits always
        }
        void flush() {
            if (out_.count() == 0) return;
            of_->put(interface_, out_, *send_);
            out_ = wire::dns_writer{of_->room_, {}};
        }

    private:
        mdns_browser* of_;
        Send* send_;
        std::uint32_t interface_;
        wire::dns_writer out_;
    };

    template <MdnsSend Send>
    void query(std::uint32_t interface, bool asks_for_all, time_point now, Send& send) {
        question_list<Send> list{*this, interface, send};
        bool const all = cache_.due_questions(
            interface, now, [&list](wire::dns_name const& name, wire::dns_type type) { list.add(name, type); });
        if (all && !asks_for_all) list.add(service_, wire::dns_type::ptr);
        list.flush();
    }
    /// Asks for all instances, and says which are known: in further packets where they do not fit (RFC 6762, 7.2).
    template <MdnsSend Send>
    void ask_with_known(std::uint32_t interface, time_point now, Send& send) {
        wire::dns_writer out{room_, {}};
        (void)out.question(service_, wire::dns_type::ptr);
        cache_.known_answers(interface, now, [&](wire::dns_name const& name, std::uint32_t seconds) {
            wire::dns_record_head const head{service_, seconds};
            if (out.pointer(head, wire::dns_type::ptr, name)) return;
            out.set_truncated();
            put(interface, out, send);
            out = wire::dns_writer{room_, {}};
            (void)out.pointer(head, wire::dns_type::ptr, name);
        });
        put(interface, out, send);
    }
    template <MdnsSend Send>
    void put(std::uint32_t interface, wire::dns_writer const& out, Send& send) {
        ++counted_.queries;
        send(mdns_destination{interface, {}}, out.written());
    }

    wire::dns_name service_;
    std::uint16_t port_;
    R* random_;
    std::vector<std::byte> room_;
    mdns_cache cache_;
    std::vector<std::uint32_t> interfaces_;
    mdns_browser_counters counted_;
    duration interval_ = first_interval;
    time_point next_query_ = never;
    time_point asked_ = time_point::min();
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
