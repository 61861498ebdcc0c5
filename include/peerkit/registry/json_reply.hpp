// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Small things that decoders of foreign registries share: fields of a JSON object, numbers written as texts, bytes.
#ifndef PEERKIT_REGISTRY_JSON_REPLY_HPP
#define PEERKIT_REGISTRY_JSON_REPLY_HPP

#include <peerkit/core/base64.hpp>
#include <peerkit/core/bytes.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/json_values.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

PEERKIT_BEGIN_NAMESPACE
namespace registry {

/// Reads one JSON document at a time, field by field. Keeps its buffers: reuse one object. Not thread-safe.
///
/// @code
/// bool const sound = reply.read_object(body, [&](std::string_view key, json_reply::value& v) {
///     return key != "ID" || json_reply::read(v, id);
/// });
/// @endcode
class json_reply {
public:
    using value = simdjson::ondemand::value;

    /// Calls `use(key, value)` for every field of the object that `text` is; whatever `use` leaves unread is passed by.
    /// @returns false if `text` is no such document, or `use` said false
    template <typename Use>
    [[nodiscard]] bool read_object(std::string_view text, Use use) {
        return read_document<simdjson::ondemand::object>(
            text, [&](simdjson::ondemand::object& all) { return each_field(all, use); });
    }
    /// The same for the elements of a document that is an array: `use(value)`.
    template <typename Use>
    [[nodiscard]] bool read_array(std::string_view text, Use use) {
        return read_document<simdjson::ondemand::array>(
            text, [&](simdjson::ondemand::array& all) { return each_element(all, use); });
    }

    /// The fields of an object inside; true for null and for another type, which have none.
    template <typename Use>
    [[nodiscard]] static bool object_in(value& v, Use use) {
        simdjson::ondemand::object all;
        discovery::json_reading const state = discovery::read_json(v, all);
        return state == discovery::json_reading::got ? each_field(all, use) : state != discovery::json_reading::broken;
    }
    /// The elements of an array inside.
    template <typename Use>
    [[nodiscard]] static bool array_in(value& v, Use use) {
        simdjson::ondemand::array all;
        discovery::json_reading const state = discovery::read_json(v, all);
        return state == discovery::json_reading::got ? each_element(all, use)
                                                     : state != discovery::json_reading::broken;
    }

    // Each returns false if the document is broken; what has another type leaves `into` as it is.
    [[nodiscard]] static bool read(value& v, std::string& into, std::size_t most) {
        std::string_view text;
        discovery::json_reading const state = discovery::read_json(v, text);
        if (state == discovery::json_reading::got) into = text.substr(0, most);
        return state != discovery::json_reading::broken;
    }
    /// The text lasts until the next document is read.
    [[nodiscard]] static bool read(value& v, std::string_view& into) {
        std::string_view text;
        discovery::json_reading const state = discovery::read_json(v, text);
        if (state == discovery::json_reading::got) into = text;
        return state != discovery::json_reading::broken;
    }
    /// Digits, as a number or, where 64 bits are written so, as a text.
    [[nodiscard]] static bool read(value& v, std::uint64_t& into) {
        std::string_view digits = v.raw_json_token();
        while (!digits.empty() && digits.back() <= ' ') digits.remove_suffix(1);
        if (digits.size() >= 2 && digits.front() == '"' && digits.back() == '"')
            digits = digits.substr(1, digits.size() - 2);
        std::uint64_t number = 0;
        auto const [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (wrong == std::errc{} && end == digits.data() + digits.size()) into = number;
        return true;
    }
    [[nodiscard]] static bool read(value& v, bool& into) {
        bool is = false;
        discovery::json_reading const state = discovery::read_json(v, is);
        if (state == discovery::json_reading::got) into = is;
        return state != discovery::json_reading::broken;
    }

private:
    template <typename Outer, typename Use>
    [[nodiscard]] bool read_document(std::string_view text, Use use) {
        text_.reserve(text.size() + simdjson::SIMDJSON_PADDING);
        text_.assign(text);
        simdjson::ondemand::document document;
        if (parser_.iterate(text_.data(), text_.size(), text_.capacity()).get(document) != simdjson::SUCCESS)
            return false;
        Outer all;
        return document.get(all) == simdjson::SUCCESS && use(all);
    }
    template <typename Use>
    [[nodiscard]] static bool each_field(simdjson::ondemand::object& all, Use& use) {
        for (auto item : all) {
            if (item.error()) return false;
            simdjson::ondemand::field&& field = std::move(item).value_unsafe();
            // A key with escapes is none that anybody looks for.
            simdjson::ondemand::raw_json_string const raw = field.key();
            char const* const start = raw.raw();
            std::size_t size = 0;
            while (size < longest_key && start[size] != '"' && start[size] != '\\') ++size;
            std::string_view const key = start[size] == '"' ? std::string_view{start, size} : std::string_view{};
            if (!use(key, field.value())) return false;
        }
        return true;
    }
    template <typename Use>
    [[nodiscard]] static bool each_element(simdjson::ondemand::array& all, Use& use) {
        for (auto item : all) {
            if (item.error()) return false;
            value&& element = std::move(item).value_unsafe();
            if (!use(element)) return false;
        }
        return true;
    }
    static constexpr std::size_t longest_key = simdjson::SIMDJSON_PADDING - 1; ///< so far one may read

    std::string text_;
    simdjson::ondemand::parser parser_;
};

} // namespace registry
PEERKIT_END_NAMESPACE

#endif
