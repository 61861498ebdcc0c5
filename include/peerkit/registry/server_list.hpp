// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The registries a node knows of: in which order they are tried, which one worked, and which ones rest.
#ifndef PEERKIT_REGISTRY_SERVER_LIST_HPP
#define PEERKIT_REGISTRY_SERVER_LIST_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/endpoint.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/ip_address.hpp>
#include <peerkit/detail/config.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// How a node came to know of a registry, in the order in which they are tried.
enum class server_source : std::uint8_t {
    integrated, ///< on this machine
    domain,     ///< an address of `tnr.<domain>`
    configured, ///< written by the user
    remembered, ///< was used in an earlier life; from here on none is shown a token
    announced,  ///< members of the network say that they use it
};

/// Where a registry is.
struct server_address {
    endpoint where{};
    bool tls = false;
    server_source source = server_source::configured;

    /// Reads "host", "host:port", and both behind "http://" or "https://"; a '/' may follow.
    /// @param tls  what is meant where the text does not say
    /// @par Errors Those of `endpoint::parse`.
    [[nodiscard]] static result<server_address> parse(std::string_view text, std::uint16_t default_port, bool tls,
                                                      server_source source) {
        if (text.starts_with("http://")) {
            tls = false;
            text.remove_prefix(7);
        } else if (text.starts_with("https://")) {
            tls = true;
            text.remove_prefix(8);
        }
        if (text.ends_with('/')) text.remove_suffix(1);
        auto const where = endpoint::parse(text, default_port);
        if (!where) return fail(where.error());
        return server_address{*where, tls, source};
    }
    /// "https://[2001:db8::7]:8000".
    [[nodiscard]] std::string url() const { return (tls ? "https://" : "http://") + where.to_string(); }
    /// "[2001:db8::7]:8000".
    [[nodiscard]] std::string text() const { return where.to_string(); }
    /// Whether the same place is meant, however it became known.
    [[nodiscard]] bool same(server_address const& other) const noexcept {
        return tls == other.tls && where == other.where;
    }
};

/// Registries by source. One that worked is asked first from then on; one that failed rests a while, longer with every
/// failure, unless there is no other. One that several sources name is asked once, and stays as long as one of them
/// names it. Holds a bounded number. Not thread-safe.
class server_list {
public:
    static constexpr std::size_t most = 64;                         ///< of a source; beyond, the last are left out
    static constexpr duration rest_first = std::chrono::seconds{5}; ///< after a failure; doubles ...
    static constexpr duration rest_most = std::chrono::minutes{2};  ///< ... up to this
    static constexpr duration longest_retry_after = std::chrono::minutes{10}; ///< more is not obeyed

    /// Replaces the registries of one source; those of the others stay. What is known of a registry is kept as long as
    /// any source names it.
    void replace(server_source source, std::vector<server_address> with) {
        std::vector<row> before = std::move(rows_);
        rows_.clear();
        for (row const& r : before) {
            if (r.address.source < source) rows_.push_back(r);
        }
        for (server_address& one : with) {
            one.source = source;
            auto const was =
                std::find_if(before.begin(), before.end(), [&](row const& r) { return r.address.same(one); });
            add(was != before.end() ? row{one, was->failures, was->rests_until, was->closed_until}
                                    : row{one, 0, {}, {}});
        }
        for (row const& r : before) {
            if (r.address.source > source) rows_.push_back(r);
        }
    }

    /// Whom to ask now, in this order: the one that worked last, then the others by source. Those that rest are left
    /// out, unless all do; those that asked for a pause are left out until it is over.
    [[nodiscard]] std::vector<server_address> order(time_point now) const {
        std::vector<server_address> found;
        for (bool const resting : {false, true}) {
            for (row const& r : rows_) {
                if (r.closed_until > now || (r.rests_until > now && !resting)) continue;
                if (contains(found, r.address)) continue; // by an earlier source
                if (r.address.same(preferred_))
                    found.insert(found.begin(), r.address);
                else
                    found.push_back(r.address);
            }
            if (!found.empty()) break;
        }
        return found;
    }

    /// It answered: it is asked first from now on.
    void worked(server_address const& which) {
        preferred_ = which;
        for (row& r : rows_) {
            if (!r.address.same(which)) continue;
            r.failures = 0;
            r.rests_until = r.closed_until = time_point::min();
        }
    }
    /// It did not answer, or not as a registry does.
    void failed(server_address const& which, time_point now) {
        for (row& r : rows_) {
            if (!r.address.same(which)) continue;
            duration rest = rest_first;
            for (std::uint32_t i = 0; i < r.failures && rest < rest_most; ++i) rest = std::min(rest * 2, rest_most);
            r.failures = std::min<std::uint32_t>(r.failures + 1, 64);
            r.rests_until = saturating_add(now, rest);
        }
    }
    /// It asked to be left alone for so long.
    void closed(server_address const& which, duration pause, time_point now) {
        for (row& r : rows_) {
            if (r.address.same(which))
                r.closed_until = saturating_add(now, std::clamp(pause, duration::zero(), longest_retry_after));
        }
    }
    /// The one that is to be asked first; it need not be in the list yet.
    void prefer(server_address which) { preferred_ = std::move(which); }
    [[nodiscard]] server_address const& preferred() const noexcept { return preferred_; }

    /// When the first of those that asked for a pause may be asked again; `never` if none did.
    [[nodiscard]] time_point opens(time_point now) const noexcept {
        time_point first = never;
        for (row const& r : rows_) {
            if (r.closed_until > now) first = std::min(first, r.closed_until);
        }
        return first;
    }
    /// Of all sources; a registry that two of them name counts twice.
    [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }

private:
    struct row {
        server_address address;
        std::uint32_t failures = 0; ///< in a row
        time_point rests_until = time_point::min();
        time_point closed_until = time_point::min();
    };

    void add(row one) {
        std::size_t of_source = 0;
        for (row const& r : rows_) {
            if (r.address.source != one.address.source) continue;
            if (r.address.same(one.address)) return;
            ++of_source;
        }
        if (of_source < most && one.address.where) rows_.push_back(std::move(one));
    }
    [[nodiscard]] static bool contains(std::vector<server_address> const& all, server_address const& which) noexcept {
        return std::any_of(all.begin(), all.end(), [&](server_address const& one) { return one.same(which); });
    }

    std::vector<row> rows_; ///< sorted by source; those of one place share their state
    server_address preferred_{};
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
