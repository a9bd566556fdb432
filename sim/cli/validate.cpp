#include "cli/command_line.hpp"
#include "cli/kernel_settings.hpp"
#include "cli/progress.hpp"
#include "cli/share.hpp"
#include "cli/simulate.hpp"
#include "cli/validate_json.hpp"
#include "cli/validate_text.hpp"
#include "cli/verbs.hpp"
#include "scenario/catalogue.hpp"
#include "validation/collective_rows.hpp"
#include "validation/kernel_rows.hpp"
#include "validation/layer_times.hpp"
#include "validation/run_rows.hpp"

#include <fmt/format.h>

namespace orrery {

namespace {

RunFigures figures_of(const Scenario& scenario) {
  const Prepared prepared = prepare(scenario);
  LayerTimes layers(prepared.program);
  const RunResult result = run(prepared, scenario, layers);
  RunFigures figures = run_figures(prepared.program, result);
  figures.interval =
      step_interval(prepared.program, result, prepared.evidence, scenario.cluster.gpu.collectives);
  const bool in_a_row = scenario.strategy.pp == 1;
  if (in_a_row) figures.of_a_layer = layers.seconds();
  return figures;
}

/// Validates a table with rows of one kind; `rows` predicts them.
template <typename Rows>
Validation with(Rows rows, MeasuredTable table, const std::string& by) {
  Progress progress("validate");
  const std::size_t total = table.rows.size();
  std::size_t done = 0;
  return validate_table(std::move(table), by, [&](const MeasuredRow& row) {
    progress.show(done++, total);
    return rows.predict(row);
  });
}

Validation validate(MeasuredTable table, const Arguments& arguments) {
  const std::string by = arguments.value("by").value_or("group");
  const Catalogue catalogue(share_folders());
  const Vocabulary words = read_vocabulary(table.path.parent_path());
  switch (table.kind) {
    case MeasuredKind::kernel:
      return with(KernelRows(catalogue, words, read_kernel), std::move(table), by);
    case MeasuredKind::collective:
      return with(CollectiveRows(catalogue, words), std::move(table), by);
    case MeasuredKind::run:
      break;
  }
  return with(RunRows(load_options(arguments), figures_of), std::move(table), by);
}

int run_validate(const Arguments& arguments) {
  const Validation validation = validate(read_measured_table(arguments.words[0]), arguments);
  if (arguments.has("json")) {
    fmt::print("{}\n", validate_json(validation));
  } else {
    fmt::print("{}", validate_text(validation, Paint(stdout)));
  }
  return validation.skipped.empty() ? exit_done : exit_failed;
}

}  // namespace

const Verb verbs::validate = {
    .name = "validate",
    .synopsis = "TABLE.csv [--json] [--by COLUMN] [--set KEY=VALUE]...",
    .summary = "predicted against measured, for every row of a table",
    .details =
        "Simulates every row of a table of measured runs (columns named like keys of a "
        "scenario), or prices\nits kernels (kernel.*) or collectives (collective.*), and "
        "prints predicted, measured and error per\nrow, then what the errors of each group "
        "come to. Sources (column `group`) weigh the same in the\noverall lines. Rows that "
        "cannot be simulated are listed with the reason, and make the exit status 1.",
    .least_words = 1,
    .most_words = 1,
    .options = {{"by", 'b', "COLUMN", "groups rows by any column; `group` unless given"},
                json_option,
                set_option},
    .run = run_validate};

}  // namespace orrery
