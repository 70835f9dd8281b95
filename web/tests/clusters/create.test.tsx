// @vitest-environment jsdom
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from '@tanstack/react-router'
import { render, screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createQueryClient } from '~/api/queries'
import CreateCluster from '~/clusters/CreateCluster'
import { theme } from '~/ui/theme'

let posted: unknown[]
let answer: () => Response

beforeEach(() => {
  posted = []
  vi.stubGlobal('fetch', async (request: Request) => {
    const path = new URL(request.url).pathname
    if (path.endsWith('/clusters')) {
      posted.push(await request.json())
      return answer()
    }
    if (path.endsWith('/providers'))
      return Response.json({ providers: [{ name: 'local', kind: 'local', default: true, droplets: 0, note: '' }] })
    if (path.endsWith('/schedule')) {
      const chosen = {
        provider: 'local',
        region: 'local',
        size: 's-1',
        hourly_usd_micros: 8930,
        score: 1,
        why: '',
        rejected_because: null,
      }
      return Response.json({ candidates: [chosen], chosen })
    }
    return Response.json({ regions: [], sizes: [], images: [] })
  })
})

afterEach(() => {
  vi.unstubAllGlobals()
})

async function open(): Promise<void> {
  const root = createRootRoute({ component: () => <CreateCluster onClose={() => undefined} /> })
  const router = createRouter({ routeTree: root, history: createMemoryHistory() })
  render(
    <MantineProvider env="test" theme={theme}>
      <QueryClientProvider client={createQueryClient()}>
        <RouterProvider router={router as never} />
      </QueryClientProvider>
    </MantineProvider>,
  )
  await screen.findByLabelText(/Name/)
}

test('the price of the choice is shown before anything is asked for', async () => {
  await open()
  expect(await screen.findByText('$0.0268/h')).toBeDefined()
  expect(posted).toEqual([])
})

test('a name that is missing never leaves the page', async () => {
  await open()
  await userEvent.click(screen.getByRole('button', { name: 'Create cluster' }))
  expect(await screen.findByText('Give it a name.')).toBeDefined()
  expect(posted).toEqual([])
})

test('what the server finds wrong stands beside its field, and what was typed stays', async () => {
  answer = () =>
    Response.json(
      {
        type: 'x/invalid',
        title: 'The request is not valid.',
        status: 422,
        detail: 'd',
        errors: [{ pointer: '/name', detail: 'is taken by a ghost' }],
        request_id: 'r42',
      },
      { status: 422 },
    )
  await open()
  const name = screen.getByLabelText(/Name/) as HTMLInputElement
  await userEvent.type(name, '<b>web</b>')
  await userEvent.click(screen.getByRole('button', { name: 'Create cluster' }))
  await waitFor(() => expect(screen.getAllByText(/is taken by a ghost/).length).toBeGreaterThan(0))
  expect(screen.getByText(/r42/)).toBeDefined()
  expect(name.value).toBe('<b>web</b>')
  expect(posted).toEqual([{ name: '<b>web</b>', wanted_size: 3 }])
})
