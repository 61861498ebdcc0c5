// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Accusations on which others are heard before anybody is told: a capped list, and what becomes of each.
#ifndef PEERKIT_GOSSIP_ACCUSATION_HPP
#define PEERKIT_GOSSIP_ACCUSATION_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/ring.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// One accusation this node has not published: whom it asks, what they answered.
class accusation {
public:
    /// Asked at once; as many again if not one of them says anything.
    static constexpr std::size_t bench = jury::most / 2;

    /// @param needed members that have to have heard the subject for the accusation to be dropped
    accusation(short_id subject, std::uint64_t incarnation, std::uint64_t nonce, jury const& asked, unsigned needed,
               time_point now) noexcept
        : subject_{subject}, incarnation_{incarnation}, nonce_{nonce}, needed_{needed}, begun_{now},
          members_{static_cast<std::uint8_t>(asked.size())} {
        for (std::size_t i = 0; i < asked.size(); ++i) asked_[i] = asked[i];
        open_ = std::min<std::uint8_t>(members_, bench);
    }

    [[nodiscard]] short_id subject() const noexcept { return subject_; }
    [[nodiscard]] std::uint64_t incarnation() const noexcept { return incarnation_; }
    [[nodiscard]] std::uint64_t nonce() const noexcept { return nonce_; }
    [[nodiscard]] time_point begun() const noexcept { return begun_; }
    /// Those who are asked and have not answered.
    template <typename F>
    void for_each_silent(F&& f) const {
        for (std::size_t i = open_ > bench ? bench : 0; i < open_; ++i) {
            if ((answered_ >> i & 1U) == 0) f(asked_[i]);
        }
    }
    /// Takes an answer. False if `by` was not asked, or has answered before.
    bool answer(short_id by, bool heard) noexcept {
        auto const last = asked_.begin() + open_;
        auto const at = std::find(asked_.begin(), last, by);
        if (at == last) return false;
        auto const bit = static_cast<std::uint16_t>(1U << (at - asked_.begin()));
        if ((answered_ & bit) != 0) return false;
        answered_ |= bit;
        if (heard)
            ++heard_;
        else if (unheard_ < witnesses_.size())
            witnesses_[unheard_++] = by;
        return true;
    }
    /// Enough members heard the subject.
    [[nodiscard]] bool refuted() const noexcept {
        return heard_ != 0 && (heard_ >= needed_ || (unheard_ == 0 && everybody()));
    }
    /// So many did not hear it that waiting for the others changes nothing.
    [[nodiscard]] bool proven(unsigned witnesses) const noexcept {
        return heard_ < needed_ && unheard_ != 0 && (unheard_ >= witnesses || everybody());
    }
    /// Those who did not hear the subject either.
    [[nodiscard]] std::span<short_id const> witnesses() const noexcept { return {witnesses_.data(), unheard_}; }
    [[nodiscard]] bool answered() const noexcept { return answered_ != 0; }
    /// Asks the second half, once. False if there is none.
    bool widen(time_point now) noexcept {
        if (open_ == members_) return false;
        open_ = members_;
        begun_ = now;
        repeated_ = false;
        return true;
    }
    /// Everybody was told; what else members of the jury say goes to everybody as well.
    [[nodiscard]] bool is_published() const noexcept { return published_; }
    void published() noexcept { published_ = true; }
    /// The questions were repeated; once per half.
    [[nodiscard]] bool repeated() const noexcept { return repeated_; }
    void repeat() noexcept { repeated_ = true; }

private:
    [[nodiscard]] bool everybody() const noexcept { return answered_ == (1U << open_) - 1U && open_ != 0; }

    short_id subject_;
    std::uint64_t incarnation_;
    std::uint64_t nonce_;
    unsigned needed_;
    time_point begun_;
    std::array<short_id, jury::most> asked_{};
    std::array<short_id, limits::accusers - 1> witnesses_{};
    std::uint16_t answered_ = 0;
    std::uint8_t members_;
    std::uint8_t open_ = 0;
    std::uint8_t unheard_ = 0;
    std::uint8_t heard_ = 0;
    bool repeated_ = false;
    bool published_ = false;
};

/// The accusations under way, capped, and the subjects lately found to be alive by somebody else: who goes on not
/// answering here has to be heard by one more member each time, so that no single member can vouch for the dead.
class accusation_list {
public:
    static constexpr std::size_t most = 64;

    /// Room for as many as a settled cluster needs is taken at once.
    accusation_list() { running_.reserve(most / 2); }

    [[nodiscard]] bool empty() const noexcept { return running_.empty(); }
    [[nodiscard]] bool full() const noexcept { return running_.size() >= most; }
    [[nodiscard]] std::size_t size() const noexcept { return running_.size(); }
    [[nodiscard]] accusation& operator[](std::size_t i) noexcept { return running_[i]; }
    [[nodiscard]] accusation* find(short_id subject) noexcept {
        for (accusation& a : running_) {
            if (a.subject() == subject) return &a;
        }
        return nullptr;
    }
    [[nodiscard]] accusation* by_nonce(std::uint64_t nonce) noexcept {
        for (accusation& a : running_) {
            if (a.nonce() == nonce) return &a;
        }
        return nullptr;
    }
    void add(accusation const& made) { running_.push_back(made); }
    void remove(short_id subject) noexcept {
        std::erase_if(running_, [&](accusation const& a) { return a.subject() == subject; });
    }
    void clear() noexcept { running_.clear(); }

    /// Members that have to have heard `subject` for it to be let go.
    [[nodiscard]] unsigned needed(short_id subject) const noexcept {
        for (doubt const& d : doubts_) {
            if (d.subject == subject && d.times != 0) return d.times + 1U;
        }
        return 1;
    }
    /// Others heard the subject, this node did not.
    void let_go(short_id subject) noexcept {
        for (doubt& d : doubts_) {
            if (d.subject != subject || d.times == 0) continue;
            if (d.times < jury::most) ++d.times;
            return;
        }
        doubts_[next_doubt_++ % doubts_.size()] = {subject, 1};
    }
    /// This node heard the subject itself.
    void trust(short_id subject) noexcept {
        for (doubt& d : doubts_) {
            if (d.subject == subject) d.times = 0;
        }
    }

private:
    struct doubt {
        short_id subject{};
        std::uint8_t times = 0;
    };

    std::vector<accusation> running_;
    std::array<doubt, 8> doubts_{};
    std::size_t next_doubt_ = 0;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
