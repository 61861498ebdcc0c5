// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Three engines and a network that does what the input says: time, order, loss, copies, crashes, forged messages.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <support/event_language.hpp>
#include <support/puppet.hpp>
#include <support/script.hpp>
#include <support/stage.hpp>

namespace {

using namespace tests;
using namespace peerkit;

constexpr std::size_t nodes = 3;

/// Every node has a second address, in an overlay, and sends from the one that is like the one it sends to.
ip_endpoint second_address_of(std::uint64_t seed) {
    return {ip_address::v4(100, 64, 0, static_cast<std::uint8_t>(seed)), 9000};
}
/// One, two or three addresses of node `i`; the third is nobody's.
std::vector<typed_address> addresses_of(std::size_t i, std::uint8_t choice) {
    std::vector<typed_address> all{{address_of(i + 1).address, 0, address_kind::local},
                                   {second_address_of(i + 1).address, 0, address_kind::overlay},
                                   {ip_address::v4(192, 168, 9, 9), 0, address_kind::local}};
    std::rotate(all.begin(), all.begin() + choice % 3, all.end());
    all.resize(1 + choice / 3 % 3U);
    if (all.size() == 1) all[0] = {address_of(i + 1).address, 0, address_kind::local};
    return all;
}

struct world {
    enum class what : std::uint8_t { datagram, dial, frame, close };
    struct travelling {
        what kind{};
        std::size_t from = 0;
        std::size_t to = 0;
        gossip::stream_id stream{}; ///< of the sender for a dial, of the receiver otherwise
        bytes data{};
        ip_endpoint source{};
    };
    struct node {
        std::unique_ptr<fake_engine> engine;
        gossip::outbox out;
        event_language language;
        std::map<node_id, membership::standing> held;
        std::set<node_id> told;         ///< members the host was told of and not told that they were forgotten
        std::uint64_t signed_up_to = 0; ///< the highest incarnation of any of its lives
        bool up = false;
        std::set<std::tuple<node_id, std::uint64_t, std::uint64_t>> heard; ///< broadcasts of this life
        std::vector<gossip::request_id> asked;
    };
    using stream_end = std::pair<std::size_t, gossip::stream_id>;

    explicit world(gossip::tunables const& chosen) : t{chosen} {
        for (std::size_t i = 0; i < nodes; ++i) start(i, 1);
    }

    void start(std::size_t i, std::uint64_t incarnation) {
        node& n = all[i];
        for (auto const& [end, other] : std::map{links}) {
            if (end.first != i) continue;
            links.erase(end);
            links.erase(other);
        }
        n.language = {};
        n.held.clear();
        n.told.clear();
        n.heard.clear();
        n.asked.clear();
        auto options = with(t, incarnation);
        options.self = description_of(i + 1);
        options.self.addresses = addresses_of(i, static_cast<std::uint8_t>(seed));
        options.advertise_observed = true;
        n.engine = std::make_unique<fake_engine>(crypto::fake_identity{i + 1}, world_keys{}.sealing, seeded_rng{++seed},
                                                 options);
        n.up = n.engine->start(now, n.out).has_value();
        carry_out(i);
    }
    void tick(std::size_t i) {
        if (!all[i].up) return;
        all[i].engine->on_tick(now, all[i].out);
        carry_out(i);
    }
    /// Ticks whoever is due until `by` has passed.
    void advance(duration by) {
        time_point const end = now + by;
        for (int steps = 0; steps < 300; ++steps) {
            std::size_t next = nodes;
            for (std::size_t i = 0; i < nodes; ++i) {
                if (!all[i].up || all[i].engine->next_deadline() > end) continue;
                if (next == nodes || all[i].engine->next_deadline() < all[next].engine->next_deadline()) next = i;
            }
            if (next == nodes) break;
            now = std::max(now, all[next].engine->next_deadline());
            tick(next);
        }
        now = std::max(now, end);
    }
    void deliver(std::size_t at, bool keep) {
        if (air.empty()) return;
        auto const chosen = air.begin() + static_cast<std::ptrdiff_t>(at % air.size());
        travelling m = *chosen;
        // Streams neither repeat nor overtake: the first of the same stream goes instead.
        if (m.kind != what::datagram) {
            auto const first = std::find_if(air.begin(), air.end(), [&](travelling const& o) {
                return o.kind != what::datagram && o.kind != what::dial && o.to == m.to && o.stream == m.stream;
            });
            auto const taken = m.kind == what::dial ? chosen : first;
            m = *taken;
            air.erase(taken);
        } else if (!keep) {
            air.erase(chosen);
        }
        node& n = all[m.to];
        switch (m.kind) {
        case what::datagram:
            if (n.up) n.engine->on_datagram(m.data, m.source, now, n.out);
            break;
        case what::dial: {
            node& dialer = all[m.from];
            if (!dialer.up) break;
            auto const accepted = n.up ? n.engine->on_stream_accepted(address_of(m.from + 1), now, n.out)
                                       : result<gossip::stream_id>{fail(gossip_error::not_running)};
            carry_out(m.to);
            if (accepted) {
                links[{m.from, m.stream}] = {m.to, *accepted};
                links[{m.to, *accepted}] = {m.from, m.stream};
                dialer.engine->on_stream_opened(m.stream, now, dialer.out);
            } else {
                dialer.engine->on_stream_closed(m.stream, std::nullopt, now, dialer.out);
            }
            carry_out(m.from);
            break;
        }
        case what::frame:
            if (n.up) n.engine->on_stream_frame(m.stream, m.data, now, n.out);
            break;
        case what::close:
            if (n.up) n.engine->on_stream_closed(m.stream, std::nullopt, now, n.out);
            break;
        }
        carry_out(m.to);
    }
    void drop(std::size_t at) {
        if (air.empty() || air[at % air.size()].kind != what::datagram) return;
        air.erase(air.begin() + static_cast<std::ptrdiff_t>(at % air.size()));
    }
    template <typename F>
    void call(std::size_t i, F&& f) {
        if (!all[i].up) return;
        f(*all[i].engine, all[i].out);
        carry_out(i);
    }

    gossip::tunables t;
    std::array<node, nodes> all;
    std::vector<travelling> air;
    std::map<stream_end, stream_end> links;
    time_point now{std::chrono::seconds{1}};
    std::uint64_t seed = 1;
    bool forged = false; ///< somebody signs with the nodes' keys: incarnations need no longer be minted by them

private:
    void carry_out(std::size_t i) {
        node& n = all[i];
        for (std::size_t k = 0; k < n.out.size(); ++k) {
            using enum gossip::action_kind;
            gossip::action const a = n.out[k];
            switch (a.kind) {
            case send_datagram:
                require(a.bytes.size() <= limits::datagram);
                if (auto const to = node_at(a.to); to < nodes)
                    post({what::datagram,
                          i,
                          to,
                          {},
                          {a.bytes.begin(), a.bytes.end()},
                          a.to == address_of(to + 1) ? address_of(i + 1) : second_address_of(i + 1)});
                break;
            case open_stream:
                if (auto const to = node_at(a.to); to < nodes) post({what::dial, i, to, a.stream, {}, {}});
                break;
            case send_frame:
            case close_stream: {
                auto const found = links.find({i, a.stream});
                if (found == links.end()) break;
                stream_end const other = found->second;
                if (a.kind == send_frame) {
                    post({what::frame,
                          i,
                          other.first,
                          other.second,
                          {a.bytes.begin() + wire::stream_prefix, a.bytes.end()},
                          {}});
                    break;
                }
                post({what::close, i, other.first, other.second, {}, {}});
                links.erase(found);
                links.erase(other);
                break;
            }
            case notify:
                require(n.language.take(*a.what).empty());
                if (a.what->kind == event_kind::member_up && n.told.insert(a.what->subject).second)
                    n.held.erase(a.what->subject);
                if (a.what->kind == event_kind::member_removed) {
                    n.told.erase(a.what->subject);
                    n.held.erase(a.what->subject);
                }
                break;
            case persist:
                n.signed_up_to = std::max(n.signed_up_to, wire::record_view::trusted(a.bytes).incarnation());
                break;
            case run_discovery:
            case resolve_address:
            case listen: break;
            case deliver:
                require(a.bytes.size() <= limits::payload);
                // Each broadcast is handed over once in a life, and what is done for a request is done once.
                if (a.message->kind == gossip::delivery_kind::broadcast)
                    require(n.heard.insert({a.message->from, a.message->session, a.message->sequence}).second);
                if (a.message->kind == gossip::delivery_kind::request) n.asked.push_back(a.message->request);
                break;
            }
        }
        n.out.clear();
        require(n.engine->check_invariants() == 0);
        require(n.language.compare(*n.engine).empty());
        std::map<node_id, membership::standing> shown;
        n.engine->for_each_member([&](gossip::member_view const& m) {
            if (m.is_self()) return;
            membership::standing const s{m.incarnation(), m.state()};
            shown[m.id()] = s;
            auto const before = n.held.find(m.id());
            require(before == n.held.end() || n.told.count(m.id()) == 0 || before->second <= s);
            for (std::size_t k = 0; !forged && k < nodes; ++k) {
                if (m.id() == crypto::fake_identity{k + 1}.id()) require(m.incarnation() <= all[k].signed_up_to);
            }
        });
        n.held = std::move(shown);
    }
    void post(travelling m) {
        if (air.size() < 400 || m.kind != what::datagram) air.push_back(std::move(m));
    }
    [[nodiscard]] static std::size_t node_at(ip_endpoint const& to) {
        for (std::size_t i = 0; i < nodes; ++i) {
            if (address_of(i + 1) == to || second_address_of(i + 1) == to) return i;
        }
        return nodes;
    }
};

/// Node `i` tells everybody something, small or large, or answers what it was asked.
void speak(world& w, script& in, std::size_t i, std::uint8_t chosen) {
    bytes const payload(chosen < 32 ? std::size_t{2000} : std::size_t{chosen});
    auto& asked = w.all[i].asked;
    if (chosen % 8 != 1 || asked.empty()) {
        w.call(i, [&](auto& e, auto&) { (void)e.broadcast("t", payload, w.now); });
        return;
    }
    gossip::request_id const which = asked[in.below(std::min<std::size_t>(asked.size(), 256))];
    w.call(i, [&](auto& e, auto& out) {
        if (chosen >= 128)
            (void)e.respond(which, payload, w.now, out);
        else
            (void)e.decline(which, w.now, out);
    });
}
/// Node `i` sends to another one, in each of the three ways.
void ask(world& w, script& in, std::size_t i, std::uint8_t chosen) {
    bytes const payload(chosen < 32 ? std::size_t{2000} : std::size_t{chosen});
    node_id const to = crypto::fake_identity{1 + in.below(nodes)}.id();
    duration const timeout = std::chrono::milliseconds{100 * in.byte()};
    w.call(i, [&](auto& e, auto& out) {
        switch (chosen / 4 % 4) {
        case 0: (void)e.send_message(to, "t", payload, out); break;
        case 1: (void)e.send_reliably(to, "t", payload, timeout, w.now, out); break;
        case 2: (void)e.request(to, "t", payload, timeout, w.now, out); break;
        default:
            if (auto const made = e.request(to, "t", payload, timeout, w.now, out)) e.cancel_request(*made, out);
        }
    });
}

/// One of eight keys.
std::string key_of(script& in) { return "key" + std::to_string(in.below(8)); }

/// An entry that `from` signed, or says it did, and a question for what is held of `about`.
void say_entries(puppet const& from, puppet const& about, script& in, wire::packet_writer& packet) {
    std::array<std::byte, wire::entry_view::most> room;
    crypto::signing_room signing;
    bool const erased = (in.byte() & 3U) == 0;
    bytes const value(erased ? 0 : in.below(200));
    auto const made = crypto::sign_entry(from.identity, from.keys.network, std::max<std::uint64_t>(in.incarnation(), 1),
                                         key_of(in), value, erased, signing, room);
    if (made) {
        if ((in.byte() & 7U) == 0) store_big(room.data(), static_cast<std::uint64_t>(about.key()));
        byte_span const body = packet.body(message_type::entry, made->bytes().size());
        copy_bytes(made->bytes(), body);
    }
    if ((in.byte() & 1U) != 0) return;
    packet.digest(wire::digest_kind::repair, 3, in.byte());
    (void)wire::entry_marks_view::write(packet, about.key(), (in.byte() & 1U) != 0, in.byte(),
                                        std::array<std::uint32_t, 2>{in.byte(), 256U + in.byte()});
}

/// An insider, or somebody with a node's own key, says something to node `to`.
void forge(world& w, script& in, std::size_t to) {
    std::uint64_t const who = 1 + in.below(5);
    puppet from{who};
    if (who <= nodes) w.forged = true;
    puppet const about{1 + in.below(5)};
    from.session = in.byte();
    from.counter = in.byte();
    std::uint64_t const incarnation = in.incarnation();
    bytes frame =
        from.datagram((in.byte() & 1U) != 0 ? crypto::fake_identity{to + 1}.id() : node_id{}, [&](auto& packet) {
            switch (in.below(7)) {
            case 0:
                if (about.seed <= nodes) w.forged = true;
                packet.announce(about.record(incarnation, (in.byte() & 3U) == 0));
                break;
            case 1: packet.accuse(message_type::suspect, about.key(), incarnation, std::array{from.key()}); break;
            case 2: packet.accuse(message_type::dead, about.key(), incarnation, std::array{from.key()}); break;
            case 3: packet.indirect_ping(in.byte(), about.key()); break;
            case 4: packet.digest(static_cast<wire::digest_kind>(in.below(3)), in.byte(), in.byte()); break;
            case 5: say_entries(from, about, in, packet); break;
            default:
                packet.ping(in.byte(), incarnation);
                packet.observed({ip_address::v4(in.byte(), 64, in.byte(), 1), 9000});
            }
        });
    w.call(to, [&](auto& e, auto& out) { e.on_datagram(frame, from.where, w.now, out); });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    script in{data, size};
    auto t = (in.byte() & 1U) != 0 ? gossip::lan() : gossip::local();
    if ((in.byte() & 3U) == 0) {
        t.max_members = 4;
        t.tombstone_time = t.exchange_period * 4;
    }
    world w{t};
    for (std::size_t i = 1; i < nodes; ++i) {
        w.call(i, [&](auto& e, auto& out) { (void)e.join(address_of(1), w.now, out); });
    }
    for (int step = 0; step < 200 && !in.over(); ++step) {
        std::uint8_t const op = in.byte();
        std::size_t const i = op / 16 % nodes;
        switch (op % 16) {
        case 0:
        case 1:
        case 2:
        case 3: w.deliver(in.byte(), false); break;
        case 4: w.deliver(in.byte(), true); break;
        case 5: w.drop(in.byte()); break;
        case 6:
        case 7: w.advance(std::chrono::milliseconds{in.byte() * 4}); break;
        case 8:
            w.now += std::chrono::seconds{in.byte()}; // everybody sleeps; who wakes first is chosen
            w.tick(i);
            break;
        case 9: w.all[i].up = false; break;
        case 10:
            if (!w.all[i].up) w.start(i, (in.byte() & 1U) != 0 ? w.all[i].signed_up_to + 1 : 1);
            break;
        case 11:
            w.call(i, [&](auto& e, auto& out) { (void)e.join(address_of(1 + in.below(nodes)), w.now, out); });
            break;
        case 12:
            if (op >= 0xc0) {
                w.call(i, [&](auto& e, auto&) {
                    std::string const key = key_of(in);
                    if ((in.byte() & 3U) == 0)
                        (void)e.erase(key, w.now);
                    else
                        (void)e.put(key, bytes(in.byte() * std::size_t{3}, static_cast<std::byte>(op)), w.now);
                });
                break;
            }
            w.call(i, [&](auto& e, auto& out) {
                description d = e.self();
                d.version = std::string(in.below(20), 'v');
                d.addresses = addresses_of(i, in.byte());
                (void)e.update(d, w.now, out);
                if ((in.byte() & 1U) != 0) e.set_subnets({{second_address_of(i + 1).address, in.byte()}});
            });
            break;
        case 13:
            switch (std::uint8_t const chosen = in.byte(); chosen & 3U) {
            case 0: w.call(i, [&](auto& e, auto& out) { e.leave(w.now, out); }); break;
            case 1: speak(w, in, i, chosen); break;
            case 2: ask(w, in, i, chosen); break;
            default: break;
            }
            break;
        case 14: forge(w, in, i); break;
        default:
            for (int n = 0; n < 64; ++n) w.deliver(0, false); // whatever is under way, in order
        }
    }
    return 0;
}
