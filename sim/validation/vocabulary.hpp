// What the words of measured tables mean here: `sources.toml` beside a table.
//
// Tables of kernels and collectives keep the words of their sources: for machines, libraries and
// number types. Which file of topologies/clusters stands for a machine, which version of a library
// is simulated and how a type was measured is decided in that file, with its reasons, not in code:
//
//   [[machine]]   columns = { "collective.gpu" = "H100", … }   cluster = "dgx-h100"   note = "…"
//   [[library]]   name = "NCCL 2.29.2"   collectives = "nccl-2.29"
//   [[type]]      name = "fp8-block"   group = "INFERSIM"   type = "fp8_block"   around = []
//
// The first entry whose words all match counts; a key left out matches everything. A row with a
// word that the file does not have is skipped, naming the word.
#pragma once

#include "base/quantity.hpp"
#include "validation/measured_table.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace orrery {

struct MachineWord {
  std::map<std::string, std::string> columns;  ///< what cells must hold
  std::string cluster;                         ///< empty: no cluster here stands for it
  std::string note;
};

struct LibraryWord {
  std::string name;
  std::string collectives;  ///< as in CollectiveTuning::library; empty: not one that is simulated
};

/// Kernels that run around a product and were timed with it: they quantise its left operand; those
/// of an engine's prefill rotate queries and keys and write the cache.
enum class Around : std::uint8_t {
  absmax,
  cast,
  cast_block,
  cast_mxfp8,
  cast_nvfp4,
  rotary_and_cache,
  pack_scales  ///< lays the scaling factors out as the product wants them: bound by latency
};

struct TypeWord {
  std::string name;
  std::map<std::string, std::string> columns;  ///< what other cells must hold
  std::string type;                            ///< a number type
  std::string kernels;                         ///< a library's own (Gpu's KernelConstants)
  bool under_load = false;  ///< timed amid others of its kind for long, not alone
  Seconds latency{0.0};     ///< of an engine's own launches, timed with every row
  std::vector<Around> around;
  std::optional<Seconds> loop{};  ///< grouped products are launched one by one, so far apart
};

struct Vocabulary {
  std::vector<MachineWord> machines;
  std::vector<LibraryWord> libraries;
  std::vector<TypeWord> types;

  /// Null if none matches.
  const MachineWord* machine(const MeasuredRow& row) const;
  const LibraryWord* library(const MeasuredRow& row) const;
  const TypeWord* type(const MeasuredRow& row, std::string_view name) const;
};

/// Of the folder of a table; nothing but the words themselves if there is no such file. Throws
/// InvalidScenario.
Vocabulary read_vocabulary(const std::filesystem::path& folder);

}  // namespace orrery
