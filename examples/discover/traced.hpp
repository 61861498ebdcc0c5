// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// A strategy around each provider's strategy, which writes down how that one fared.
#ifndef PEERKIT_DISCOVER_TRACED_HPP
#define PEERKIT_DISCOVER_TRACED_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/discovery/any_strategy.hpp>
#include <peerkit/discovery/candidate.hpp>
#include <peerkit/discovery/strategy.hpp>

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace discover_program {

/// How one provider fared in one run.
struct provider_log {
    std::string text;   ///< as written
    unsigned begun = 0; ///< how often: more than once with retry, 0 if another one was enough
    peerkit::time_point since{};
    peerkit::duration took{};
    std::optional<peerkit::result<std::vector<peerkit::discovery::candidate>>> answer; ///< none: was cut off
    std::vector<peerkit::discovery::notice> notices;

    void forget() {
        begun = 0;
        answer.reset();
        notices.clear();
    }
};

/// Does what the strategy inside does; its notices go to the log instead of the host.
class traced {
public:
    /// The log has to outlive it.
    traced(peerkit::discovery::any_strategy inner, provider_log& log) noexcept : inner_{std::move(inner)}, log_{&log} {}

    [[nodiscard]] std::string_view name() const noexcept { return inner_.name(); }
    [[nodiscard]] peerkit::discovery::step begin(peerkit::time_point now) {
        if (log_->begun++ == 0) log_->since = now;
        log_->answer.reset();
        return write_down(inner_.begin(now), now);
    }
    [[nodiscard]] peerkit::discovery::step resume(peerkit::discovery::ticket which, peerkit::discovery::outcome got,
                                                  peerkit::time_point now) {
        return write_down(inner_.resume(which, std::move(got), now), now);
    }
    [[nodiscard]] peerkit::discovery::step farewell(peerkit::time_point now) { return inner_.farewell(now); }

private:
    [[nodiscard]] peerkit::discovery::step write_down(peerkit::discovery::step next, peerkit::time_point now) {
        for (auto& told : next.notices()) log_->notices.push_back(std::move(told));
        next.notices().clear();
        if (next.ended()) {
            log_->answer = next.answer();
            log_->took = now - log_->since;
        }
        return next;
    }

    peerkit::discovery::any_strategy inner_;
    provider_log* log_;
};

/// All providers of a strategy, in the order written. Their places do not move.
using provider_logs = std::deque<provider_log>;

} // namespace discover_program

#endif
