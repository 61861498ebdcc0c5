// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A registry protocol of a few words, and a server that speaks it: for tests of the client.
#ifndef PEERKIT_TESTS_PLAIN_REGISTRY_HPP
#define PEERKIT_TESTS_PLAIN_REGISTRY_HPP

#include "support/registry_life.hpp"

#include <peerkit/core/bytes.hpp>
#include <peerkit/registry/protocol.hpp>
#include <peerkit/registry/record_candidate.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peerkit_test {

/// "/enroll?lease=..." and so on; an answer is its first word and what follows.
struct plain_protocol {
    std::string lease{};
    std::string version{"0"};

    [[nodiscard]] std::string_view name() const noexcept { return "plain"; }
    [[nodiscard]] std::uint16_t default_port() const noexcept { return 8000; }
    [[nodiscard]] std::optional<peerkit::discovery::http_request> request(peerkit::registry::client_task task,
                                                                          peerkit::registry::registrant const& who) {
        using peerkit::registry::client_task;
        peerkit::discovery::http_request made{.method = peerkit::discovery::http_method::post};
        if (!who.token.empty()) made.headers = {{"token", std::string{who.token}}};
        switch (task) {
        case client_task::enroll:
            made.target = "/enroll";
            made.body = std::string{peerkit::as_text(who.record)};
            if (who.proof) made.headers.push_back({"proof", peerkit::to_hex(*who.proof)});
            return made;
        case client_task::renew: made.target = "/renew?" + lease; return made;
        case client_task::list:
            made.method = peerkit::discovery::http_method::get;
            made.target = "/list?" + version + (who.begins ? "" : "&more");
            return made;
        case client_task::watch:
            made.target = "/watch?" + version;
            made.timeout = std::chrono::seconds{60};
            return made;
        case client_task::leave: made.target = "/leave?" + lease; return made;
        }
        return std::nullopt;
    }
    [[nodiscard]] peerkit::registry::client_answer answer(peerkit::registry::client_task,
                                                          peerkit::discovery::http_reply reply,
                                                          peerkit::registry::registrant const&) {
        using namespace peerkit;
        std::string_view rest = reply.body;
        auto const word = [&rest] {
            std::string const one{rest.substr(0, rest.find(' '))};
            rest.remove_prefix(std::min(rest.size(), one.size() + 1));
            return one;
        };
        auto const number = [&word] {
            std::int64_t value = 0;
            std::string const text = word();
            std::from_chars(text.data(), text.data() + text.size(), value);
            return value;
        };
        auto const nodes = [&rest, &word] {
            std::vector<discovery::candidate> all;
            while (!rest.empty()) {
                std::string const hex = word();
                std::vector<std::byte> bytes(hex.size() / 2);
                if (!from_hex(hex, bytes)) continue;
                if (auto one = registry::candidate_of(bytes)) all.push_back(std::move(*one));
            }
            return all;
        };
        std::string const what = word();
        if (what == "known") {
            registry::known yes;
            yes.time_to_live = std::chrono::seconds{number()};
            yes.interval = std::chrono::seconds{number()};
            if (std::string const given = word(); !given.empty()) lease = given;
            yes.others = nodes();
            return yes;
        }
        if (what == "listed") {
            registry::listed yes;
            version = word();
            yes.behind = std::chrono::seconds{number()};
            yes.found = nodes();
            return yes;
        }
        if (what == "unchanged") return registry::unchanged{};
        if (what == "more") return registry::more{};
        if (what == "sign") {
            auto const bytes = as_bytes(rest);
            return registry::challenged{{bytes.begin(), bytes.end()}};
        }
        if (what == "lost") return registry::lost{};
        if (what == "gone") return registry::gone{};
        if (what == "no")
            return registry::refused{discovery::discovery_error::bad_option, std::string{rest}, {}, false};
        if (what == "busy") {
            return registry::refused{
                discovery::discovery_error::server_failed, {}, std::chrono::seconds{number()}, true};
        }
        return registry::refused{discovery::discovery_error::bad_reply, {}, {}, true};
    }
    void forget() { lease.clear(); }
};

/// Keeps registrations for 45 s. Answers after `delay`.
class plain_server {
public:
    peerkit::duration delay = std::chrono::milliseconds{2};
    peerkit::duration time_to_live = std::chrono::seconds{45};
    std::uint64_t version = 1;
    std::map<std::string, std::pair<std::string, peerkit::time_point>> nodes{}; ///< lease -> record, expiry
    bool asks_for_proof = false;
    std::map<std::string, std::string> instead{}; ///< target -> what is answered; "" is silence
    std::vector<std::string> log{};

    void add(std::uint8_t number, peerkit::time_point until = peerkit::never) {
        auto const bytes = record_of(number);
        nodes["other" + std::to_string(number)] = {std::string{peerkit::as_text(bytes)}, until};
        ++version;
    }
    [[nodiscard]] std::optional<reply> operator()(peerkit::discovery::http_request const& asked,
                                                  peerkit::time_point now) {
        std::string const what = asked.target.substr(0, asked.target.find('?'));
        std::string const rest = asked.target.substr(std::min(asked.target.size(), what.size() + 1));
        std::erase_if(nodes, [&](auto const& n) { return n.second.second <= now && ++version != 0; });
        log.push_back(what);
        if (auto const found = instead.find(what); found != instead.end()) {
            if (found->second.empty()) return std::nullopt;
            return says(found->second);
        }
        if (what == "/enroll") {
            if (asks_for_proof &&
                std::none_of(asked.headers.begin(), asked.headers.end(), [](auto& h) { return h.name == "proof"; })) {
                return says("sign this-please");
            }
            std::erase_if(nodes, [&](auto const& n) { return n.second.first == asked.body; });
            std::string const lease = "lease" + std::to_string(++leases_);
            nodes[lease] = {asked.body, now + time_to_live};
            ++version;
            return says("known " + seconds() + " 0 " + lease);
        }
        if (what == "/renew") {
            auto const found = nodes.find(rest);
            if (found == nodes.end()) return says("lost");
            found->second.second = now + time_to_live;
            return says("known " + seconds() + " 0 ");
        }
        if (what == "/leave") {
            if (nodes.erase(rest) == 0) return says("lost");
            ++version;
            return says("gone");
        }
        if (what == "/watch") {
            if (rest == std::to_string(version)) return std::nullopt;
            return says("changed");
        }
        if (rest == std::to_string(version)) return says("unchanged");
        std::string all = "listed " + std::to_string(version) + " 0";
        for (auto const& [lease, row] : nodes) all += ' ' + peerkit::to_hex(peerkit::as_bytes(row.first));
        return says(all);
    }
    [[nodiscard]] registry_life::server shared() {
        return [this](auto const& asked, peerkit::time_point now) { return (*this)(asked, now); };
    }

private:
    [[nodiscard]] reply says(std::string body) const {
        return {peerkit::discovery::http_reply{200, std::move(body), {}}, delay};
    }
    [[nodiscard]] std::string seconds() const {
        return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time_to_live).count());
    }
    int leases_ = 0;
};

} // namespace peerkit_test

#endif
