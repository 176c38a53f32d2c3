import RepriseCore
import Testing
