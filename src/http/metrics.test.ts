// What Prometheus is given.
import { describe, expect, test } from 'bun:test';
import { Metrics } from './metrics.ts';

async function linesOf(metrics: Metrics): Promise<string[]> {
  return (await metrics.tell()).text.split('\n');
}

const PULL = { operation: 'pull-blob', seconds: 0.2, bytesReceived: 0, bytesSent: 5 };

describe('metrics', () => {
  test('count requests by operation and status, their time and their bytes', async () => {
    const metrics = new Metrics('1.2.3');
    metrics.observeRequest({ ...PULL, status: 200 });
    metrics.observeRequest({ ...PULL, status: 200 });
    metrics.observeRequest({ ...PULL, status: 404, bytesReceived: 3 });
    const lines = await linesOf(metrics);
    expect(lines).toContain('entrepot_requests_total{operation="pull-blob",status="200"} 2');
    expect(lines).toContain('entrepot_requests_total{operation="pull-blob",status="404"} 1');
    expect(lines).toContain('entrepot_request_duration_seconds_count{operation="pull-blob"} 3');
    expect(lines).toContain(
      'entrepot_request_duration_seconds_bucket{le="0.1",operation="pull-blob"} 0',
    );
    expect(lines).toContain('entrepot_bytes_sent_total 15');
    expect(lines).toContain('entrepot_bytes_received_total 3');
    expect(lines).toContain('entrepot_build_info{version="1.2.3"} 1');
  });

  test('tell of commits, reads and the blob store', async () => {
    const metrics = new Metrics('1');
    metrics.observeCommit({ commands: 7, synced: true, seconds: 0.001 });
    metrics.observeRead(0.00002);
    metrics.observeStorage({ operation: 'commit', seconds: 0.01 });
    metrics.observeStorage({ operation: 'open', seconds: 0.01, fault: 'absent' });
    metrics.countReadAgain(9);
    const lines = await linesOf(metrics);
    expect(lines).toContain('entrepot_commit_commands_sum 7');
    expect(lines).toContain('entrepot_commit_duration_seconds_count{synced="true"} 1');
    expect(lines).toContain('entrepot_database_read_duration_seconds_bucket{le="0.00001"} 0');
    expect(lines).toContain('entrepot_database_read_duration_seconds_bucket{le="0.00005"} 1');
    expect(lines).toContain(
      'entrepot_storage_duration_seconds_count{operation="commit",fault=""} 1',
    );
    expect(lines).toContain(
      'entrepot_storage_duration_seconds_count{operation="open",fault="absent"} 1',
    );
    expect(lines).toContain('entrepot_upload_bytes_read_again_total 9');
  });

  test('read gauges when they are asked for, and forget jobs that are gone', async () => {
    const metrics = new Metrics('1');
    let jobs = [{ kind: 'expire-uploads', state: 'waiting', count: 2 }];
    metrics.addGauges({
      uploadsOpen: async () => 4,
      uploadsReceiving: () => 3,
      commandsWaiting: () => 2,
      jobs: async () => jobs,
    });
    const first = await linesOf(metrics);
    expect(first).toContain('entrepot_uploads_open 4');
    expect(first).toContain('entrepot_uploads_receiving 3');
    expect(first).toContain('entrepot_commands_waiting 2');
    expect(first).toContain('entrepot_jobs{kind="expire-uploads",state="waiting"} 2');
    jobs = [];
    expect((await linesOf(metrics)).join('\n')).not.toContain('entrepot_jobs{');
  });

  test('leave out what the database does not tell, and give the rest', async () => {
    const metrics = new Metrics('1');
    let isDown = false;
    const told = async <T>(value: T) => {
      if (isDown) throw new Error('the database is down');
      return value;
    };
    metrics.addGauges({
      uploadsOpen: () => told(4),
      uploadsReceiving: () => 3,
      commandsWaiting: () => 2,
      jobs: () => told([{ kind: 'expire-uploads', state: 'waiting', count: 2 }]),
    });
    expect(await linesOf(metrics)).toContain('entrepot_uploads_open 4');
    isDown = true;
    const lines = await linesOf(metrics);
    expect(lines).toContain('entrepot_uploads_receiving 3');
    expect(lines.join('\n')).not.toMatch(/^entrepot_(uploads_open|jobs)\b/m);
  });
});
