// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Policies that answer what a recording says they answered.
#ifndef PEERKIT_SIM_REPLAYING_POLICIES_HPP
#define PEERKIT_SIM_REPLAYING_POLICIES_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/crypto/sealing.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/announcement_handler.hpp>
#include <peerkit/gossip/output_digest.hpp>
#include <peerkit/gossip/policies.hpp>
#include <peerkit/gossip/recorded_kinds.hpp>
#include <peerkit/sim/recording.hpp>
#include <peerkit/wire/envelope.hpp>
#include <peerkit/wire/record.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>

PEERKIT_BEGIN_NAMESPACE
namespace sim {

/// A policy was asked something else than in the recording.
struct wrong_question {
    gossip::answer_kind wanted{};                ///< the first of the answers that would have fitted
    std::optional<gossip::answer_kind> recorded; ///< none: there were no more answers
};

/// What the replaying policies of one node share: the answers of the input that is being replayed, one after the
/// other, and the digest of what is sent because of it.
class recorded_answers {
public:
    /// The next input begins.
    void begin(byte_view answers) noexcept {
        left_ = byte_reader{answers};
        digest.clear();
    }
    /// The next answer, which has to be one of those; if not, `fault` tells, and what is given back is a zero.
    [[nodiscard]] recorded_answer take(std::initializer_list<gossip::answer_kind> fitting) noexcept {
        recorded_answer next;
        bool there = next.read(left_);
        while (there && next.kind == gossip::answer_kind::key_id) {
            key_id_ = static_cast<std::uint32_t>(next.number);
            there = next.read(left_);
        }
        for (gossip::answer_kind const one : fitting) {
            if (there && next.kind == one) return next;
        }
        if (!fault_) fault_ = {*fitting.begin(), there ? std::optional{next.kind} : std::nullopt};
        return {};
    }
    /// The id of the key that frames are sealed with now.
    [[nodiscard]] std::uint32_t key_id() noexcept {
        byte_reader ahead = left_;
        if (recorded_answer next; next.read(ahead) && next.kind == gossip::answer_kind::key_id) {
            key_id_ = static_cast<std::uint32_t>(next.number);
            left_ = ahead;
        }
        return key_id_;
    }
    void fail(gossip::answer_kind wanted, gossip::answer_kind recorded) noexcept {
        if (!fault_) fault_ = {wanted, recorded};
    }
    /// What was asked that has no answer here, since `begin` was called for the first time.
    [[nodiscard]] std::optional<wrong_question> const& fault() const noexcept { return fault_; }
    /// Every answer was asked for.
    [[nodiscard]] bool used_up() noexcept {
        static_cast<void>(key_id());
        return left_.remaining() == 0;
    }

    gossip::output_digest digest;

private:
    byte_reader left_{{}};
    std::uint32_t key_id_ = 0;
    std::optional<wrong_question> fault_{};
};

// Each refers to answers that outlive it.

/// `Signing`: the signatures from the recording, those of others checked as `Verifier` does.
template <crypto::SigningVerifies Verifier>
class replaying_signing {
public:
    replaying_signing(node_id const& id, recorded_answers& from) noexcept : id_{id}, from_{&from} {}

    [[nodiscard]] node_id id() const noexcept { return id_; }
    [[nodiscard]] crypto::signature sign(byte_view) const noexcept {
        crypto::signature made{};
        copy_bytes(from_->take({gossip::answer_kind::signature}).bytes, made);
        return made;
    }
    [[nodiscard]] static bool verify(node_id const& id, byte_view message, byte_view signature) noexcept {
        return Verifier::verify(id, message, signature);
    }

private:
    node_id id_;
    recorded_answers* from_;
};

/// `FrameSealing`: opens what was opened; what it seals stays as it is, with zeros for a tag.
template <std::uint8_t Suite>
class replaying_sealing {
public:
    static constexpr std::uint8_t suite = Suite;

    explicit replaying_sealing(recorded_answers& from) noexcept : from_{&from} {}

    [[nodiscard]] std::uint32_t key_id() const noexcept { return from_->key_id(); }
    [[nodiscard]] bool knows(std::uint32_t) const noexcept {
        using enum gossip::answer_kind;
        return from_->take({key_known, key_unknown}).kind == key_known;
    }
    void seal(crypto::nonce_view nonce, byte_view ad, byte_span text_then_tag) const noexcept {
        byte_span const tag = text_then_tag.last(wire::envelope::tail);
        from_->digest.sealed(nonce, ad, text_then_tag.first(text_then_tag.size() - tag.size()));
        for (std::byte& b : tag) b = std::byte{0};
    }
    [[nodiscard]] bool open(std::uint32_t, crypto::nonce_view, byte_view, byte_span text_then_tag) const noexcept {
        using enum gossip::answer_kind;
        recorded_answer const said = from_->take({opened, forged});
        if (said.kind != opened) return false;
        if (said.bytes.size() + wire::envelope::tail != text_then_tag.size()) {
            from_->fail(opened, opened);
            return false;
        }
        copy_bytes(said.bytes, text_then_tag);
        return true;
    }

private:
    recorded_answers* from_;
};

/// `Rng`.
class replaying_rng {
public:
    explicit replaying_rng(recorded_answers& from) noexcept : from_{&from} {}
    std::uint64_t operator()() noexcept { return from_->take({gossip::answer_kind::draw}).number; }

private:
    recorded_answers* from_;
};

/// `AnnouncementHandler`.
class replaying_announcements {
public:
    explicit replaying_announcements(recorded_answers& from) noexcept : from_{&from} {}
    [[nodiscard]] bool admits(node_id const&) const noexcept {
        using enum gossip::answer_kind;
        return from_->take({admitted, not_admitted}).kind == admitted;
    }
    [[nodiscard]] gossip::verdict on_announcement(wire::record_view const&,
                                                  gossip::announcement_context const&) noexcept {
        using enum gossip::answer_kind;
        return from_->take({accepted, refused}).kind == accepted ? gossip::verdict::accept : gossip::verdict::refuse;
    }

private:
    recorded_answers* from_;
};

/// The seats of a node that lives through what one of `Policies` was given. Of `Policies` it takes how signatures are
/// checked, the suite, and what is no secret: repair, failure detector and compression.
template <typename Policies>
struct replaying
    : gossip::policies<replaying_signing<typename Policies::signing>, replaying_sealing<Policies::sealing::suite>,
                       replaying_rng, replaying_announcements, typename Policies::anti_entropy,
                       typename Policies::detector, typename Policies::compression> {};

} // namespace sim
PEERKIT_END_NAMESPACE

#endif
