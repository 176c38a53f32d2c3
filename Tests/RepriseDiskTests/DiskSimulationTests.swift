import RepriseTesting
import Testing

@Suite struct DiskSimulationTests {
    @Test(arguments: 0..<40 as Range<UInt64>)
    func `no seed finds a wrong or an old byte`(seed: UInt64) {
        #expect(DiskSimulation(seed: seed).run().violations == [])
    }
}
