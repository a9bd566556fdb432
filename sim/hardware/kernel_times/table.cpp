// The model of tiles, brought to what was measured: the time of a product is multiplied by the
// ratio of measured to modelled times of the shapes around it (hardware/ratio_table.hpp), which a
// GPU's file keeps beside the constants. Everything else is priced as the model of tiles does.
#include "hardware/kernel_times.hpp"
#include "hardware/ratio_table.hpp"

namespace orrery::kernel_times_models {

extern const KernelTimesModel tile;

namespace {

class TableTimes final : public KernelTimes {
 public:
  explicit TableTimes(const Gpu& gpu) : constants_(gpu.kernels), tiles_(tile.make(gpu)) {}

  KernelTime time(const Kernel& kernel) const override {
    KernelTime time = tiles_->time(kernel);
    const double ratio = ratio_of(kernel);
    return {.total = time.total * ratio,
            .sm = time.sm * ratio,
            .memory = time.memory * ratio,
            .extrapolated = time.extrapolated,
            .spread = time.spread};
  }

 private:
  double ratio_of(const Kernel& kernel) const {
    const auto* product = std::get_if<GemmKernel>(&kernel);
    if (product == nullptr) return 1.0;
    return ratio_at(constants_.product(product->type).ratios, static_cast<double>(product->m),
                    static_cast<double>(product->n), static_cast<double>(product->k));
  }

  KernelConstants constants_;
  std::unique_ptr<KernelTimes> tiles_;
};

}  // namespace

extern const KernelTimesModel table;
const KernelTimesModel table{
    .name = "table",
    .description = "tile, corrected by the ratio of measured to modelled products of nearby shapes",
    .make = [](const Gpu& gpu) -> std::unique_ptr<KernelTimes> {
      return std::make_unique<TableTimes>(gpu);
    }};

}  // namespace orrery::kernel_times_models
