// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// From a strategy as text to a strategy: the providers there are, lists of them, and what every one can be wrapped in.
#ifndef PEERKIT_DISCOVERY_PROVIDER_TABLE_HPP
#define PEERKIT_DISCOVERY_PROVIDER_TABLE_HPP

#include <peerkit/core/clock.hpp>
#include <peerkit/core/description.hpp>
#include <peerkit/core/error.hpp>
#include <peerkit/core/limits.hpp>
#include <peerkit/core/rng.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/discovery/all_of.hpp>
#include <peerkit/discovery/any_strategy.hpp>
#include <peerkit/discovery/candidate_filter.hpp>
#include <peerkit/discovery/error.hpp>
#include <peerkit/discovery/filtered.hpp>
#include <peerkit/discovery/first_of.hpp>
#include <peerkit/discovery/keep_last_good.hpp>
#include <peerkit/discovery/name_pattern.hpp>
#include <peerkit/discovery/provider.hpp>
#include <peerkit/discovery/provider_schema.hpp>
#include <peerkit/discovery/with_retry.hpp>
#include <peerkit/discovery/with_timeout.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

PEERKIT_BEGIN_NAMESPACE

namespace discovery {

/// What a strategy has to know besides its text.
struct strategy_context {
    own_identity self{};                          ///< what to leave out
    std::uint16_t port = default_gossip_port;     ///< of peers whose entry or source names none; not 0
    std::uint64_t seed = 0;                       ///< of random orders and pauses; another one on every node
    std::vector<std::string> tailscale_sockets{}; ///< instead of the usual places where the text names none: TS_SOCKET
    /// May wait for its source to get ready. Inside `first_of` only the last one may, inside `all_of` none.
    bool patient = true;
    /// Called with every strategy that a provider made, before anything is wrapped around it, and gives it back or
    /// something in its place: for reports and measurements. None: nothing is done.
    std::function<any_strategy(any_strategy made, provider_text const& as_written)> around{};
};

/// Something a strategy's text can name, and how it is made.
struct provider {
    provider_schema schema{};
    /// Gets options that fit the schema. Errors have the offset in the text as position: `provider_values::place`.
    std::function<result<any_strategy>(provider_values const& options, strategy_context const& context)> make{};
};

/// The providers that texts can name. Has `none`, which finds nobody, and the lists `first_of` and `all_of` from the
/// start; `standard_providers` adds those of peerkit, a host adds its own.
///
/// @code
/// auto providers = discovery::standard_providers();
/// auto added = providers.add({{.name = "office", .keys = {{.name = "floor", .kind = discovery::option_kind::number}}},
///                             [](auto const& options, auto const& context) -> result<discovery::any_strategy> {
///                                 return office_peers{options.number("floor", 0U), context.port};
///                             }});
/// auto how = providers.make("first_of(office floor=3, mdns) keep=1h", {.port = 9000});
/// @endcode
/// A value type. Making strategies only reads it.
class provider_table {
public:
    provider_table() {
        providers_.push_back(
            {{.name = "none", .help = "finds nobody"},
             [](provider_values const&, strategy_context const&) -> result<any_strategy> { return any_strategy{}; }});
        providers_.push_back({{.name = "first_of", .help = "the first that finds somebody", .is_list = true}, {}});
        providers_.push_back({{.name = "all_of", .help = "all at the same time, merged", .is_list = true}, {}});
    }

    /// @par Errors `duplicate_key` for a name that is there already, or a key that is there twice or is a modifier;
    /// `bad_option` for a provider that is a list, or has neither `make` nor a reason why it is unsupported.
    [[nodiscard]] result<void> add(provider one) {
        provider_schema const& schema = one.schema;
        if (find(schema.name) != nullptr) return fail(core_error::duplicate_key, 0, schema.name);
        if (schema.is_list || (!one.make && schema.unsupported == nullptr)) {
            return fail(discovery_error::bad_option, 0, schema.name);
        }
        for (provider_key const& key : schema.keys) {
            if (find_key(schema, key.name) != &key || find_key({}, key.name) != nullptr) {
                return fail(core_error::duplicate_key, 0, key.name);
            }
        }
        providers_.push_back(std::move(one));
        return {};
    }

    /// Null if there is none with this name.
    [[nodiscard]] provider const* find(std::string_view name) const noexcept {
        auto const at = std::find_if(providers_.begin(), providers_.end(),
                                     [name](provider const& one) { return one.schema.name == name; });
        return at != providers_.end() ? &*at : nullptr;
    }
    /// In the order in which they were added.
    [[nodiscard]] std::vector<provider> const& providers() const noexcept { return providers_; }

    /// Compares a strategy and those in its parentheses with what there is; makes nothing.
    /// @par Errors `unknown_provider`, and those of `check_options`.
    [[nodiscard]] result<void> check(provider_text const& strategy) const {
        provider const* const known = find(strategy.name);
        if (known == nullptr) return fail(discovery_error::unknown_provider, strategy.offset, "strategy");
        if (auto const ok = check_options(strategy, known->schema); !ok) return ok;
        for (provider_text const& part : strategy.parts) {
            if (auto const ok = check(part); !ok) return ok;
        }
        return {};
    }

    /// Makes the strategy that a text describes.
    /// @par Errors Those of `parse_provider`, `check`, and of what is made; positions are offsets in `text`, the field
    /// names the key.
    [[nodiscard]] result<any_strategy> make(std::string_view text, strategy_context const& context) const {
        auto const strategy = parse_provider(text);
        if (!strategy) return fail(strategy.error());
        return make(*strategy, context);
    }
    [[nodiscard]] result<any_strategy> make(provider_text const& strategy, strategy_context const& context) const {
        if (context.port == 0) return fail(discovery_error::bad_option, 0, "port");
        if (auto const ok = check(strategy); !ok) return fail(ok.error());
        seeded_rng rng{context.seed};
        return make_checked(strategy, context, rng);
    }

private:
    [[nodiscard]] result<any_strategy> make_checked(provider_text const& strategy, strategy_context context,
                                                    seeded_rng& rng) const {
        provider const& known = *find(strategy.name);
        provider_values const options{strategy, known.schema};
        context.seed = rng();
        auto made =
            known.schema.is_list ? make_list(strategy, context, rng) : make_one(known, options, strategy, context);
        if (!made) return made;
        return wrap(std::move(*made), options, rng);
    }
    [[nodiscard]] static result<any_strategy> make_one(provider const& known, provider_values const& options,
                                                       provider_text const& strategy, strategy_context const& context) {
        auto made = known.make(options, context);
        if (!made || !context.around) return made;
        return context.around(std::move(*made), strategy);
    }
    [[nodiscard]] result<any_strategy> make_list(provider_text const& strategy, strategy_context const& context,
                                                 seeded_rng& rng) const {
        bool const in_turn = strategy.name == "first_of";
        std::vector<any_strategy> parts;
        for (provider_text const& part : strategy.parts) {
            strategy_context inner = context;
            inner.patient = context.patient && in_turn && parts.size() + 1 == strategy.parts.size();
            auto made = make_checked(part, std::move(inner), rng);
            if (!made) return made;
            parts.push_back(std::move(*made));
        }
        return in_turn ? list_of<first_of, 1>(parts) : list_of<all_of, 1>(parts);
    }
    template <template <typename...> typename List, std::size_t Size>
    [[nodiscard]] static any_strategy list_of(std::vector<any_strategy>& parts) {
        if constexpr (Size < provider_limits::parts) {
            if (parts.size() != Size) return list_of<List, Size + 1>(parts);
        }
        return [&parts]<std::size_t... I>(std::index_sequence<I...>) -> any_strategy {
            return List<std::enable_if_t<(I < Size), any_strategy>...>{std::move(parts[I])...};
        }(std::make_index_sequence<Size>{});
    }

    [[nodiscard]] static result<any_strategy> wrap(any_strategy made, provider_values const& options, seeded_rng& rng) {
        if (options.has("filter")) {
            auto pattern = name_pattern::parse(options.text("filter"));
            if (!pattern) return fail(options.place(pattern.error(), "filter"));
            made = filtered{std::move(made), by_name{std::move(*pattern)}};
        }
        if (options.has("where")) {
            std::string const label = options.text("where");
            std::size_t const equals = std::min(label.find('='), label.size());
            by_label keep{label.substr(0, equals), std::nullopt};
            if (auto const ok = check_name(keep.key, limits::label_key, "where"); !ok) {
                return fail(options.place(ok.error(), "where"));
            }
            if (equals != label.size()) keep.value = label.substr(equals + 1);
            made = filtered{std::move(made), std::move(keep)};
        }
        if (options.has("timeout"))
            made = with_timeout{std::move(made), options.duration_of("timeout", duration::max())};
        if (options.has("retry")) {
            made = with_retry{std::move(made), retry_options{.attempts = options.number("retry", 1U)}, rng.split()};
        }
        if (options.has("keep")) {
            made = keep_last_good{std::move(made), keep_options{.max_age = options.duration_of("keep", {})}};
        }
        return made;
    }

    std::vector<provider> providers_;
};

} // namespace discovery

PEERKIT_END_NAMESPACE

#endif
