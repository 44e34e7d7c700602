/**
 * An administrative connection for as long as a piece of work takes.
 */
import type { Admin, Kafka } from 'kafkajs'
import { asKafkaFailure } from './kafka-unavailability.ts'

/** @throws DependencyUnavailable when the brokers are away; else what `work` throws. */
export async function withAdmin<Result>(
  kafka: Pick<Kafka, 'admin'>,
  work: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const admin = kafka.admin()
  try {
    await admin.connect()
    return await work(admin)
  } catch (error) {
    throw asKafkaFailure(error)
  } finally {
    await admin.disconnect()
  }
}
