// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Fuzzes both sides of multicast DNS: whatever arrives, they stay bounded, send only whole packets, and come to rest.
#include <peerkit/discovery/mdns_browser.hpp>
#include <peerkit/discovery/mdns_responder.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace peerkit;
using namespace std::chrono_literals;
using wire::dns_name;
using wire::dns_section;
using wire::dns_type;
using browser = discovery::mdns_browser<seeded_rng>;
using responder = discovery::mdns_responder<seeded_rng>;

constexpr std::size_t max_instances = 6;
constexpr std::size_t max_addresses = 3;

void require(bool holds) {
    if (!holds) __builtin_trap();
}

/// Bytes of the fuzzer as decisions; zeros when they are used up.
class decisions {
public:
    explicit decisions(byte_view bytes) : in_{bytes} {}
    [[nodiscard]] bool more() const { return in_.remaining() != 0; }
    std::uint8_t octet() { return in_.remaining() == 0 ? std::uint8_t{0} : in_.u8(); }
    std::uint16_t number() { return static_cast<std::uint16_t>(octet() << 8U | octet()); }
    byte_view some(std::size_t most) { return in_.bytes(most < in_.remaining() ? most : in_.remaining()); }

private:
    byte_reader in_;
};

struct world {
    seeded_rng random{1};
    responder published =
        responder::make({.instance = "node", .host = "host", .port = 9000, .text = {"v=1"}}, random).value();
    browser browsing =
        browser::make({.limits = {.max_instances = max_instances, .max_addresses = max_addresses, .max_text = 64}},
                      random)
            .value();
    time_point now{};
    std::size_t links = 1;
    std::size_t sent = 0;
    std::vector<std::byte> last; ///< what was sent last, to be heard again

    void link_up(std::size_t count) {
        static std::vector<discovery::mdns_interface> const all{
            {1, {ip_address::v4(10, 0, 0, 1)}}, {2, {ip_address::v4(10, 1, 0, 1), *ip_address::parse("2001:db8::1")}}};
        links = count;
        published.set_interfaces(std::span{all}.first(count), now);
        browsing.set_interfaces(std::span{all}.first(count), now);
    }
    auto sender() {
        return [this](discovery::mdns_destination const& to, byte_view bytes) {
            ++sent;
            require(to.interface == 1 || to.interface == 2);
            require(bytes.size() <= discovery::mdns_send_limit);
            require(wire::dns_message_view::parse(bytes).has_value());
            last.assign(bytes.begin(), bytes.end());
        };
    }
    void receive(byte_view packet, discovery::mdns_origin const& origin) {
        // One packet can make a responder take its names back on every link, answer one asker and answer each link.
        sent = 0;
        published.receive(packet, origin, now, sender());
        require(sent <= 1 + 2 * links);
        if (!origin.on_link) require(sent == 0 || published.next_deadline() > now);
        browsing.receive(packet, origin, now, sender());
        check();
    }
    void tick() {
        published.tick(now, sender());
        browsing.tick(now, sender());
        // Nothing that is due is left: a timer set for the next deadline never spins.
        require(published.next_deadline() > now);
        require(browsing.next_deadline() > now);
        check();
    }
    void check() const {
        require(browsing.size() <= max_instances);
        auto const found = browsing.instances(now);
        require(found.size() <= browsing.size());
        for (auto const& one : found) {
            require(one.port != 0 && !one.instance.empty() && one.instance.size() <= wire::dns_label_limit);
            require(!one.addresses.empty() && one.addresses.size() <= max_addresses * 2);
            require(one.time_to_live > duration::zero() && one.time_to_live <= discovery::mdns_cache::longest_life);
            std::size_t octets = 0;
            for (auto const& t : one.text) octets += t.size() + 1;
            require(octets <= 64);
        }
        require(published.instance().size() <= wire::dns_label_limit && !published.instance().empty());
    }
};

/// A packet about our names and their neighbourhood.
std::vector<std::byte> message(decisions& from) {
    static std::array const names{*dns_name::parse("_peerkit._udp.local"),
                                  *dns_name::parse("node._peerkit._udp.local"),
                                  *dns_name::parse("host.local"),
                                  *dns_name::parse("a._peerkit._udp.local"),
                                  *dns_name::parse("b._peerkit._udp.local"),
                                  *dns_name::parse("a.local"),
                                  *dns_name::parse("node-2._peerkit._udp.local"),
                                  *dns_name::parse("host-2.local")};
    auto const name = [&]() -> dns_name const& { return names[from.octet() % names.size()]; };
    std::vector<std::byte> room(1200);
    wire::dns_writer out{room, {from.octet(), static_cast<std::uint16_t>(from.octet() << 8U)}};
    for (unsigned left = from.octet() % 4U; left != 0; --left) {
        static constexpr std::array types{dns_type::any, dns_type::ptr, dns_type::srv,
                                          dns_type::txt, dns_type::a,   dns_type::aaaa};
        dns_name const& of = name();
        auto const bits = static_cast<std::uint16_t>((from.octet() & 1U) != 0 ? 0x8001 : 1);
        (void)out.question(of, types[from.octet() % types.size()], bits);
    }
    for (unsigned left = from.octet() % 8U; left != 0; --left) {
        wire::dns_record_head const head{name(), from.octet() < 40 ? 0U : from.number(),
                                         static_cast<dns_section>(from.octet() % 3),
                                         static_cast<std::uint16_t>((from.octet() & 1U) != 0 ? 0x8001 : 1)};
        switch (from.octet() % 5) {
        case 0: (void)out.pointer(head, dns_type::ptr, name()); break;
        case 1: {
            std::uint16_t const port = (from.octet() & 1U) != 0 ? std::uint16_t{9000} : from.octet();
            (void)out.service(head, {0, 0, port, name()});
            break;
        }
        case 2: (void)out.raw(head, dns_type::txt, as_bytes("\3v=1")); break;
        case 3: (void)out.address(head, ip_address::v4(10, from.octet() % 2, 0, from.octet() % 8)); break;
        default: {
            std::array<std::byte, 1> const length{static_cast<std::byte>(from.octet() % 80)};
            std::vector<std::byte> text(length.begin(), length.end());
            text.resize(1 + std::to_integer<std::size_t>(length[0]), std::byte{'x'});
            (void)out.raw(head, dns_type::txt, text);
            break;
        }
        }
    }
    room.resize(out.written().size());
    return room;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    decisions from{byte_view{reinterpret_cast<std::byte const*>(data), size}};
    world w;
    w.link_up(1);
    for (int steps = 0; from.more() && steps < 64; ++steps) {
        std::uint8_t const what = from.octet();
        discovery::mdns_origin origin{.interface = 1U + what / 128U % 2U,
                                      .from = {ip_address::v4(10, 0, 0, 7), discovery::mdns_port},
                                      .on_link = true,
                                      .hop_limit = 255};
        switch (what % 10) {
        case 0: w.now += std::chrono::milliseconds{from.number()}; break;
        case 1: w.now += std::chrono::seconds{from.number()}; break;
        case 2:
            if (auto const due = std::min(w.published.next_deadline(), w.browsing.next_deadline()); due != never) {
                w.now = std::max(w.now, due);
            }
            break;
        case 3: w.link_up(what / 64U % 3U); break;
        case 4: w.receive(from.some(from.octet()), origin); break;
        case 5: {
            auto const echo = w.last;
            w.receive(echo, origin);
            break;
        }
        case 6: origin.from.port = 40000; [[fallthrough]];
        default:
            if (what % 10 == 9) origin.on_link = false;
            w.receive(message(from), origin);
        }
        w.tick();
    }
    w.published.goodbye(w.sender());
    require(w.published.next_deadline() == never);
    // Left alone, everything that was heard ends.
    w.now = saturating_add(w.now, discovery::mdns_cache::longest_life + 2s);
    w.tick();
    require(w.browsing.size() == 0);
    return 0;
}
