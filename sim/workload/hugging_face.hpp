// A Hugging Face config.json as the tree of a model file, so that everything that holds for a model
// file (extending it, changing a key, counting its parameters) holds for it too.
//
// Each family of configurations (its `model_type`) names the same dimensions in its own way and
// leaves others unsaid, which its code fixes: Qwen2's q, k and v have biases, gpt-oss alternates
// windows. A key that is missing or that we would misread is a finding that names it. The
// multi-token-prediction layer of DeepSeek's configurations is not taken over; set
// `model.mtp_layers` to train with it.
#pragma once

#include "base/diagnostics.hpp"
#include "base/settings.hpp"

#include <span>
#include <string>
#include <string_view>

namespace orrery {

/// The tree of models/*.toml that says what the configuration says. `file` names it in positions.
/// After a finding the tree lacks what was not understood; it is empty if that is everything.
SettingsNode model_from_hugging_face(std::string_view json, const std::string& file,
                                     Diagnostics& diagnostics);

/// The families that are understood: "deepseek_v3", "llama", …; sorted.
std::span<const std::string> hugging_face_families();

}  // namespace orrery
