// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// What a registry tells Prometheus, in its text format.
#ifndef PEERKIT_REGISTRY_METRICS_WRITER_HPP
#define PEERKIT_REGISTRY_METRICS_WRITER_HPP

#include <peerkit/detail/config.hpp>
#include <peerkit/registry/counters.hpp>
#include <peerkit/registry/error.hpp>
#include <peerkit/registry/node_row.hpp>
#include <peerkit/registry/registry_options.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// How often which route was answered with which status. The statuses are our own, so it does not grow.
class response_counts {
public:
    void add(std::size_t route, unsigned status) { ++counts_[{route, status}]; }
    [[nodiscard]] std::uint64_t of(std::size_t route, unsigned status) const {
        auto const found = counts_.find({route, status});
        return found != counts_.end() ? found->second : 0;
    }
    /// Calls `f(route, status, count)`.
    template <typename F>
    void for_each(F&& f) const {
        for (auto const& [key, count] : counts_) f(key.first, key.second, count);
    }

private:
    std::map<std::pair<std::size_t, unsigned>, std::uint64_t> counts_{};
};

/// Metrics in the text exposition format 0.0.4: families once, with help and type, counters ending in `_total`.
class metrics_writer {
public:
    metrics_writer& family(std::string_view name, std::string_view type, std::string_view help) {
        name_ = "peerkit_registry_";
        name_ += name;
        ((text_ += "# HELP ") += name_) += ' ';
        ((text_ += help) += "\n# TYPE ") += name_;
        ((text_ += ' ') += type) += '\n';
        return *this;
    }
    /// Labels as they are written, `a="b"`; values of ours never need escaping.
    metrics_writer& sample(std::uint64_t value, std::string_view labels = {}) {
        text_ += name_;
        if (!labels.empty()) ((text_ += '{') += labels) += '}';
        (text_ += ' ') += std::to_string(value);
        text_ += '\n';
        return *this;
    }
    [[nodiscard]] std::string text() && { return std::move(text_); }

private:
    std::string text_{};
    std::string name_{};
};

/// Everything about a registry. Takes time in proportion to its nodes.
template <typename Logic, typename Routes>
[[nodiscard]] std::string metrics_text(Logic const& logic, response_counts const& counts, Routes const& routes,
                                       moment const& at) {
    metrics_writer out;
    auto const number = [](bool truth) { return truth ? std::uint64_t{1} : std::uint64_t{0}; };
    auto const condition = logic.condition(at.now);
    std::array<std::uint64_t, 2> by_status{};
    logic.table().for_each([&](node_row const& row) { ++by_status[row.status == node_status::online ? 0 : 1]; });
    out.family("nodes", "gauge", "Nodes that are registered.");
    out.sample(by_status[0], "status=\"online\"").sample(by_status[1], "status=\"offline\"");
    out.family("version", "gauge", "Version of the state.").sample(logic.state().version);
    out.family("queue_length", "gauge", "Writes kept for the root.").sample(logic.queued());
    out.family("queue_limit", "gauge", "Writes that are kept for the root at most.");
    out.sample(logic.options().queue_size());
    out.family("stale", "gauge", "1 while a replica does not reach its root.").sample(number(condition.stale));
    out.family("behind_seconds", "gauge", "Seconds since the root answered, while stale.");
    out.sample(static_cast<std::uint64_t>(condition.behind_s));
    out.family("self_preservation", "gauge", "1 while most nodes are silent and none is set offline.");
    out.sample(number(condition.preserving));
    out.family("info", "gauge", "The role of this registry.");
    out.sample(1, "role=\"" + std::string{to_string(condition.role)} + '"');

    out.family("events_total", "counter", "What has happened, by kind.");
    logic.counters().for_each(
        [&](std::string_view name, std::uint64_t count) { out.sample(count, "kind=\"" + std::string{name} + '"'); });
    out.family("refused_total", "counter", "Requests that were refused, by code.");
    for (auto const& row : detail::error_rows) {
        out.sample(logic.counters().refusals(row.value), "code=\"" + std::string{row.code} + '"');
    }
    out.family("responses_total", "counter", "Answers to HTTP requests, by route and status.");
    counts.for_each([&](std::size_t route, unsigned status, std::uint64_t count) {
        std::string labels = "route=\"";
        labels += route < routes.size() ? routes[route].path : std::string_view{"other"};
        labels += "\",status=\"" + std::to_string(status) + '"';
        out.sample(count, labels);
    });
    return std::move(out).text();
}

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
