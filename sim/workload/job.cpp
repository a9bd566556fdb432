#include "workload/job.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>

#include <array>

namespace orrery {

namespace {

const std::array<std::string, 3> kind_names{"training", "forward", "decode"};
const std::array<std::string, 3> optimizer_names{"none", "sgd", "adam"};

template <typename Enum>
Enum read_enum(const Settings& settings, std::string_view key, std::span<const std::string> names,
               Enum otherwise) {
  const std::optional<std::string> text = settings.choice(key, names);
  if (!text) return otherwise;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == *text) return static_cast<Enum>(i);
  }
  return otherwise;
}

NumberType read_type(const Settings& settings, std::string_view key, NumberType otherwise) {
  const std::optional<std::string> text = settings.choice(key, number_type_names());
  return text ? parse_number_type(*text).value_or(otherwise) : otherwise;
}

/// The type that parameters have when they follow the compute type: 16 bits at least.
NumberType sixteen_bits_at_least(NumberType precision) {
  switch (precision) {
    case NumberType::fp64:
    case NumberType::fp32:
    case NumberType::fp16:
      return precision;
    case NumberType::tf32:
      return NumberType::fp32;
    default:
      return NumberType::bf16;
  }
}

NumberType resolve(const std::string& name, NumberType precision) {
  return parse_number_type(name).value_or(sixteen_bits_at_least(precision));
}

/// A stack that sends tokens in fewer bits does so when products take no more.
NumberType dispatch_type(const SoftwareTypes& defaults, NumberType precision) {
  const NumberType asked = resolve(defaults.dispatch, precision);
  const bool narrow = bytes_per_element(precision) <= bytes_per_element(asked);
  return narrow ? asked : sixteen_bits_at_least(precision);
}

std::int64_t read_count(const Settings& settings, std::string_view key, std::int64_t most,
                        bool required) {
  const IntegerRange range{1, most};
  return required ? settings.required_integer(key, range)
                  : settings.integer(key, range).value_or(1);
}

void read_sizes(const Settings& settings, Job& job) {
  const bool decodes = job.kind == JobKind::decode;
  job.sequence_length = read_count(settings, "sequence_length", limits::sequence_length, !decodes);
  job.micro_batch = read_count(settings, "micro_batch", limits::global_batch, false);
  const bool batch_given = settings.has("global_batch");
  job.global_batch =
      read_count(settings, "global_batch", limits::global_batch, job.trains() || batch_given);
  if (!job.trains() && !batch_given) job.global_batch = job.micro_batch;
  job.context_length = settings.integer("context_length", {0, limits::sequence_length}).value_or(0);
}

void read_types(const Settings& settings, const SoftwareTypes& defaults, Job& job) {
  job.precision = read_type(settings, "precision", NumberType::bf16);
  job.low_precision = read_low_precision(settings, defaults.fp8_recipe, job.precision);
  const std::string& gradient =
      job.precision == NumberType::fp16 ? defaults.gradient_fp16 : defaults.gradient;
  job.parameter_type =
      read_type(settings, "parameter_type", resolve(defaults.parameter, job.precision));
  job.gradient_type = read_type(settings, "gradient_type", resolve(gradient, job.precision));
  job.optimizer_state_type =
      read_type(settings, "optimizer_state_type", resolve(defaults.optimizer_state, job.precision));
  job.dispatch_type = read_type(settings, "dispatch_type", dispatch_type(defaults, job.precision));
  const bool wide =
      job.parameter_type == NumberType::fp32 || job.parameter_type == NumberType::fp64;
  job.master_weights = settings.flag("master_weights").value_or(defaults.master != "none" && !wide);
  job.optimizer = read_enum(settings, "optimizer", optimizer_names,
                            job.trains() ? Optimizer::adam : Optimizer::none);
  if (job.optimizer == Optimizer::none) job.master_weights = false;
}

}  // namespace

Job read_job(const Settings& settings) { return read_job(settings, SoftwareTypes{}); }

Job read_job(const Settings& settings, const SoftwareTypes& defaults) {
  Job job;
  job.position = settings.position();
  job.kind = read_enum(settings, "kind", kind_names, JobKind::training);
  read_sizes(settings, job);
  read_types(settings, defaults, job);
  job.routing = read_routing(settings);
  if (job.trains() && job.global_batch % job.micro_batch != 0) {
    settings.error("global_batch",
                   fmt::format("global_batch = {} is not a multiple of micro_batch = {}",
                               job.global_batch, job.micro_batch));
  }
  return job;
}

NumberType activation_type(const Job& job) {
  if (job.precision == NumberType::fp32 || job.precision == NumberType::tf32) {
    return NumberType::fp32;
  }
  return job.precision == NumberType::fp16 ? NumberType::fp16 : NumberType::bf16;
}

double activation_element_bytes(const Job& job) {
  return bytes_per_element(sixteen_bits_at_least(job.precision));
}

}  // namespace orrery
