// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The life of a registry client in virtual time: one run after the other, whenever a watch says so.
#ifndef PEERKIT_TESTS_REGISTRY_LIFE_HPP
#define PEERKIT_TESTS_REGISTRY_LIFE_HPP

#include "support/run_strategy.hpp"

#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/network_id.hpp>
#include <peerkit/crypto/challenge.hpp>
#include <peerkit/crypto/fake.hpp>
#include <peerkit/crypto/signed_record.hpp>
#include <peerkit/discovery/effect.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace peerkit_test {

/// The signed announcement of the node with this number: "node7", 192.0.2.7.
inline std::vector<std::byte> record_of(std::uint8_t number, std::uint64_t incarnation = 1,
                                        std::vector<peerkit::label> labels = {}, bool left = false) {
    using namespace peerkit;
    description d{.name = "node" + std::to_string(number)};
    d.addresses = {{ip_address::v4(192, 0, 2, number), 0, address_kind::global}};
    d.labels = std::move(labels);
    std::vector<std::byte> bytes(limits::record);
    auto const made = crypto::sign_record(crypto::fake_identity{number}, network_id{}, d, incarnation, left, bytes);
    REQUIRE(made);
    bytes.resize(made->bytes().size());
    return bytes;
}

/// A node with the given number, and everything around it: servers by URL, files, names.
struct registry_life {
    using server = std::function<std::optional<reply>(peerkit::discovery::http_request const&, peerkit::time_point)>;

    std::uint8_t number = 1;
    std::uint64_t incarnation = 1;
    std::vector<peerkit::label> labels{};
    bool up = true;
    bool has_node = true;                                            ///< else the driver runs for no node
    std::map<std::string, server> servers{};                         ///< others refuse the connection
    std::map<std::string, std::string> files{};                      ///< by path
    std::map<std::string, std::vector<peerkit::ip_address>> names{}; ///< with the final dot
    std::vector<std::string> announced{};                            ///< registries, by members
    peerkit::time_point now{};
    run_report last{};
    peerkit::time_point ran_at{};
    std::vector<std::pair<peerkit::time_point, peerkit::discovery::http_request>> sent{}; ///< watches left out

    /// What the world answers.
    [[nodiscard]] std::optional<reply> answer(peerkit::discovery::effect const& wanted, peerkit::time_point at,
                                              bool watched = false) {
        using namespace peerkit;
        using discovery::discovery_error;
        if (auto const* asked = std::get_if<discovery::http_request>(&wanted)) {
            if (!watched) sent.emplace_back(at, *asked);
            auto const found = servers.find(asked->url);
            if (found == servers.end()) return reply{error{discovery_error::unavailable, 111}};
            auto got = found->second(*asked, at);
            if (!got || got->after >= asked->timeout) {
                return reply{error{discovery_error::timed_out}, asked->timeout};
            }
            auto const* ok = std::get_if<discovery::http_reply>(&got->what);
            if (ok != nullptr && ok->body.size() > asked->max_bytes)
                return reply{error{discovery_error::too_large, asked->max_bytes}, got->after};
            return got;
        }
        if (auto const* own = std::get_if<discovery::read_announcement>(&wanted)) {
            if (!has_node) return reply{error{discovery_error::unsupported}};
            if (!up) return reply{error{discovery_error::unavailable}};
            discovery::announcement said{.record = record_of(number, incarnation, labels), .registries = announced};
            if (!own->challenge.empty()) {
                said.proof = *crypto::sign_challenge(crypto::fake_identity{number}, network_id{}, own->challenge);
            }
            return reply{std::move(said)};
        }
        if (auto const* use = std::get_if<discovery::use_registry>(&wanted)) {
            if (!has_node) return reply{error{discovery_error::unsupported}};
            std::vector<label> wish;
            if (!use->text.empty()) wish.push_back({"registry", use->text});
            if (wish != labels) (labels = wish, ++incarnation);
            return reply{discovery::elapsed{}};
        }
        if (auto const* file = std::get_if<discovery::read_file>(&wanted)) {
            auto const found = files.find(file->path);
            if (found == files.end()) return reply{error{discovery_error::unavailable, 2}};
            return reply{discovery::file_text{found->second, {}}};
        }
        if (auto const* name = std::get_if<discovery::resolve_name>(&wanted)) {
            auto const found = names.find(name->host);
            if (found == names.end()) return reply{error{discovery_error::unresolved}};
            return reply{discovery::resolved{found->second, std::nullopt}};
        }
        return std::nullopt;
    }
    /// One run, now.
    template <typename Strategy>
    run_report const& run_once(Strategy& strategy) {
        ran_at = now;
        last = run(strategy, [this](auto const& wanted, peerkit::time_point at) { return answer(wanted, at); }, now);
        now += last.took;
        return last;
    }
    template <typename Strategy>
    run_report const& leave(Strategy& strategy) {
        last = run_farewell(
            strategy, [this](auto const& wanted, peerkit::time_point at) { return answer(wanted, at); }, now);
        now += last.took;
        return last;
    }
    /// When a watch of the last run is done: a second after that run began, at the earliest. `never` if none will be.
    [[nodiscard]] peerkit::time_point due() {
        using namespace peerkit;
        time_point first = never;
        for (discovery::effect const& watched : last.watches) {
            if (auto const* wait = std::get_if<discovery::wait_until>(&watched)) {
                first = std::min(first, wait->at);
            } else if (auto const* own = std::get_if<discovery::watch_announcement>(&watched)) {
                if (own->incarnation != incarnation) first = std::min(first, now);
            } else if (auto const got = answer(watched, now, true)) {
                if (!std::holds_alternative<error>(got->what)) first = std::min(first, saturating_add(now, got->after));
            }
        }
        return first == never ? never : std::max({first, now, ran_at + std::chrono::seconds{1}});
    }
    /// Runs whenever a watch says so, until that is later than `end`; at least `refresh` apart.
    template <typename Strategy>
    void live(Strategy& strategy, peerkit::time_point end, peerkit::duration refresh = std::chrono::seconds{60}) {
        for (;;) {
            peerkit::time_point const next = std::min(due(), ran_at + refresh);
            if (next > end) break;
            now = next;
            run_once(strategy);
        }
        now = std::max(now, end);
    }
    /// Requests sent whose target begins so.
    [[nodiscard]] std::vector<peerkit::time_point> times_of(std::string const& target) const {
        std::vector<peerkit::time_point> found;
        for (auto const& [at, request] : sent) {
            if (request.target.starts_with(target)) found.push_back(at);
        }
        return found;
    }
};

} // namespace peerkit_test

#endif
