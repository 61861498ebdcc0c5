// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Policies that do as others do and tell a flight recorder what they answered.
#ifndef PEERKIT_GOSSIP_RECORDING_POLICIES_HPP
#define PEERKIT_GOSSIP_RECORDING_POLICIES_HPP

#include <peerkit/core/bytes.hpp>
#include <peerkit/core/node_id.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/sealing.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/announcement_handler.hpp>
#include <peerkit/gossip/flight_recorder.hpp>
#include <peerkit/gossip/recorded_kinds.hpp>
#include <peerkit/wire/envelope.hpp>
#include <peerkit/wire/record.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

// Each takes the policy it stands for and a recorder that outlives it, or null: then nothing is noted.

/// `Signing`. Notes the signatures this node makes. Checks of others' need no secret, and are done again in a replay.
template <crypto::Signing Signing>
class recording_signing {
public:
    recording_signing(Signing identity, flight_recorder* recorder)
        : identity_{std::move(identity)}, recorder_{recorder} {}

    [[nodiscard]] node_id id() const noexcept { return identity_.id(); }
    [[nodiscard]] crypto::signature sign(byte_view message) const noexcept {
        crypto::signature const made = identity_.sign(message);
        if (recorder_ != nullptr) recorder_->made_signature(made);
        return made;
    }
    [[nodiscard]] static bool verify(node_id const& id, byte_view message, byte_view signature) noexcept {
        return Signing::verify(id, message, signature);
    }
    [[nodiscard]] flight_recorder* recorder() const noexcept { return recorder_; }

private:
    Signing identity_;
    flight_recorder* recorder_;
};

/// `FrameSealing`. Notes what was opened, in plain, and what is about to be sealed; neither keys nor ciphertexts.
template <crypto::FrameSealing Sealing>
class recording_sealing {
public:
    static constexpr std::uint8_t suite = Sealing::suite;

    recording_sealing(Sealing seal, flight_recorder* recorder) : seal_{std::move(seal)}, recorder_{recorder} {}

    [[nodiscard]] std::uint32_t key_id() const noexcept { return seal_.key_id(); }
    [[nodiscard]] bool knows(std::uint32_t id) const noexcept {
        bool const known = seal_.knows(id);
        if (recorder_ != nullptr) recorder_->answered(known ? answer_kind::key_known : answer_kind::key_unknown);
        return known;
    }
    void seal(crypto::nonce_view nonce, byte_view ad, byte_span text_then_tag) const noexcept {
        if (recorder_ != nullptr) recorder_->sealing(nonce, ad, plain(text_then_tag));
        seal_.seal(nonce, ad, text_then_tag);
    }
    [[nodiscard]] bool open(std::uint32_t id, crypto::nonce_view nonce, byte_view ad,
                            byte_span text_then_tag) const noexcept {
        bool const opens = seal_.open(id, nonce, ad, text_then_tag);
        if (recorder_ == nullptr) return opens;
        if (opens)
            recorder_->opened(plain(text_then_tag));
        else
            recorder_->answered(answer_kind::forged);
        return opens;
    }
    /// The policy itself, to change its keys.
    [[nodiscard]] Sealing& inner() noexcept { return seal_; }

private:
    [[nodiscard]] static byte_view plain(byte_span text_then_tag) noexcept {
        return text_then_tag.first(text_then_tag.size() - wire::envelope::tail);
    }

    Sealing seal_;
    flight_recorder* recorder_;
};

/// `Rng`. Notes every number.
template <Rng Random>
class recording_rng {
public:
    recording_rng(Random random, flight_recorder* recorder) : random_{std::move(random)}, recorder_{recorder} {}

    std::uint64_t operator()() noexcept {
        std::uint64_t const word = random_();
        if (recorder_ != nullptr) recorder_->drew(word);
        return word;
    }

private:
    Random random_;
    flight_recorder* recorder_;
};

/// `AnnouncementHandler`. Notes its verdicts: it is the host's, and may know what no replay knows.
template <AnnouncementHandler Handler>
class recording_announcements {
public:
    recording_announcements(Handler handler, flight_recorder* recorder) noexcept
        : handler_{std::move(handler)}, recorder_{recorder} {}

    [[nodiscard]] bool admits(node_id const& id) const noexcept {
        bool const admitted = handler_.admits(id);
        if (recorder_ != nullptr) recorder_->answered(admitted ? answer_kind::admitted : answer_kind::not_admitted);
        return admitted;
    }
    [[nodiscard]] verdict on_announcement(wire::record_view const& record,
                                          announcement_context const& context) noexcept {
        verdict const said = handler_.on_announcement(record, context);
        if (recorder_ != nullptr)
            recorder_->answered(said == verdict::accept ? answer_kind::accepted : answer_kind::refused);
        return said;
    }
    /// The handler itself.
    [[nodiscard]] Handler& inner() noexcept { return handler_; }

private:
    Handler handler_;
    flight_recorder* recorder_;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
